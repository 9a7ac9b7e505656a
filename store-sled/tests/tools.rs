//! What looks after stores: checks of log and index, archives, backups, repairs.

mod archive;
mod backup;
mod repair;
mod store;
mod verify;
