//! A small bank on annals, and an app to begin one's own with.
//!
//! Read [`domain`] first, then [`read`]: what is decided, and what is read. Both are what one writes. The rest is what surrounds
//! them: [`quarter`] generates work, [`import`] takes over what another bank recorded, [`migrate`] brings old books to today's
//! form, [`dashboard`] shows the read models, [`rebuild`] computes them anew, [`statement`] and [`audit`] read the events
//! themselves, [`cli`] is the command line.

pub mod domain;
pub mod read;

pub mod bank;

pub mod audit;
pub mod dashboard;
pub mod import;
pub mod migrate;
pub mod quarter;
pub mod rebuild;
pub mod statement;

pub mod callers;
pub mod progress;
pub mod random;

pub mod cli;
