//! The locks and threads between which the store's work goes on: those of the standard library, or, where `schedules/`
//! builds these sources, those of a scheduler that tries many orders.

#[cfg(not(schedules))]
pub(crate) use std::{sync::*, thread};

#[cfg(schedules)]
pub(crate) use shuttle::{sync::*, thread};
