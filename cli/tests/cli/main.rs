//! The real binary on stores that are the same each time; what it says is kept in `snapshots/`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

mod keeping;
mod reading;
mod support;
mod verifying;
