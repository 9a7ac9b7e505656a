//! The real binary on stores that are the same each time; what it says is kept in `snapshots/`.

mod keeping;
mod reading;
mod support;
mod verifying;
