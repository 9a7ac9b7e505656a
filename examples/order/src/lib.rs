//! A shop on annals, and an app to begin one's own with.
//!
//! Read [`domain`] first, then [`process`], then [`read`]: what is decided, what leads from one thing to the next, and what is
//! read. [`import`] takes over what another shop recorded.

pub mod domain;
pub mod process;

pub mod read;

pub mod audit;
pub mod import;
pub mod replay;
pub mod season;

pub mod calendar;
pub mod services;
pub mod shop;

pub mod cli;
