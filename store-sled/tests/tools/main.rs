//! What looks after stores: checks of log and index, archives, backups, repairs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test may fail")]

mod archive;
mod backup;
mod repair;
mod store;
mod verify;
