//! A small bank on annals, and an app to begin one's own with.
//!
//! Read [`domain`] first: it is what one writes. The rest is what surrounds it: [`quarter`] generates work for it,
//! [`import`] takes over what another bank recorded, [`migrate`] brings old books to today's form, [`statement`] and [`audit`]
//! read, [`cli`] is the command line.

pub mod domain;

pub mod bank;

pub mod audit;
pub mod import;
pub mod migrate;
pub mod quarter;
pub mod statement;

pub mod callers;
pub mod progress;
pub mod random;

pub mod cli;
