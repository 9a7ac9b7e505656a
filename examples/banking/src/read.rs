//! What is read of the bank: read models, which follow the events and are never written by anything else.
//!
//! Read [`balances`] first. Each file holds a projection and the rows that it keeps: what is on the accounts, what every month
//! brought them, what every day moved, and whom to look at. All of it is computed from the events alone, and can be thrown away.

pub mod balances;
pub mod bookings;
pub mod calendar;
pub mod statements;
pub mod turnover;
pub mod watch_list;

pub use balances::{AccountBalance, Balances};
pub use bookings::Bookings;
pub use calendar::{Day, Month};
pub use statements::{MonthlyStatement, Statements};
pub use turnover::{DailyTurnover, Turnover};
pub use watch_list::{LargeWithdrawal, Rule, WatchList, Watched};

use annals::{
    Builder,
    prelude::*,
    projections::{ProjectionHandle, ProjectionOptions, State, WaitError},
};

/// Lets all read models follow the store that `builder` opens.
pub fn register(builder: Builder) -> Builder {
    builder
        .projection(Balances)
        .projection(Statements)
        .projection(Turnover)
        .projection_with(WatchList::default(), ProjectionOptions::default().in_memory())
}

/// Waits until `P` has taken in everything that is in the books by now, and be it that it computes its rows from nothing.
///
/// # Errors
/// [`WaitError`] when it does not get there: it has failed or is paused, or is not registered.
pub async fn until_current<P: Projection>(bank: &Annals) -> Result<(), WaitError> {
    match bank.projection::<P>() {
        Some(projection) => until_handle_is_current(bank, &projection).await,
        None => Err(WaitError::NotRegistered { projection: P::NAME }),
    }
}

/// The same for all of them. Of those that do not get there, no one is waited for.
pub async fn until_all_are_current(bank: &Annals) {
    for projection in bank.projections().iter().flat_map(|projections| projections.iter()) {
        // Why it does not get there is in its state.
        drop(until_handle_is_current(bank, &projection).await);
        // One that was current when the bank was closed may only be about to start.
        drop(projection.watch().wait_for(|status| status.state != State::Starting).await);
    }
}

/// The same for one that is not named by its type.
///
/// # Errors
/// [`WaitError`] when it does not get there: it has failed or is paused.
pub async fn until_handle_is_current(bank: &Annals, projection: &ProjectionHandle) -> Result<(), WaitError> {
    let end = bank.store().head().borrow().position;
    let mut status = projection.watch();
    loop {
        match projection.wait_until(end).await {
            // The framework does not wait for a whole computation, which may take hours. This bank's takes seconds.
            Err(WaitError::NotRunning { state: State::Rebuilding, .. }) if status.changed().await.is_ok() => {}
            waited => return waited,
        }
    }
}
