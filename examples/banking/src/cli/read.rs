//! The commands that read the read models.

use std::{io::Write, path::Path, pin::pin};

use annals::{Annals, prelude::ReadModels};

use super::{error::CliError, output::Output, report};
use crate::{
    bank,
    dashboard::Dashboard,
    domain::{AccountId, CustomerId},
    read::{AccountBalance, Balances, MonthlyStatement, Statements, until_all_are_current, until_current},
    statement::{self, StatementError},
};

/// Back to the upper left corner.
const HOME: &str = "\x1b[H";
/// Nothing more on this line.
const END_OF_LINE: &str = "\x1b[K\n";
/// Nothing more on the screen.
const END_OF_SCREEN: &str = "\x1b[J";

/// Shows what is on the accounts: on all of them, on the largest, or on those of a customer.
pub(super) async fn accounts(
    out: &mut Output,
    store: &Path,
    largest: Option<usize>,
    owner: Option<CustomerId>,
) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    until_current::<Balances>(&bank).await?;
    let balances = bank.view::<AccountBalance>()?;
    let query = match (largest, owner) {
        (Some(largest), _) => balances.by(AccountBalance::BY_BALANCE).all().backward().limit(largest),
        (None, Some(owner)) => balances.by(AccountBalance::BY_OWNER).equal_to(Some(owner)),
        (None, None) => balances.all(),
    };
    report::accounts(out, &query.collect().await?)?;
    if let Some(status) = bank.projection::<Balances>().map(|balances| balances.status()) {
        report::set_aside(out, status.parked_keys + status.retrying_keys)?;
    }
    bank.shut_down().await;
    Ok(true)
}

/// Shows what each month brought an account.
pub(super) async fn months(out: &mut Output, store: &Path, account: AccountId) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    let account = statement::find(&bank, account).await.map_err(|error| CliError::statement(error, store))?;
    until_current::<Balances>(&bank).await?;
    if bank.view::<AccountBalance>()?.get(&account).await?.is_none() {
        return Err(CliError::statement(StatementError::UnknownAccount { account }, store));
    }
    until_current::<Statements>(&bank).await?;
    let months = bank.view::<MonthlyStatement>()?.prefix(&account).collect().await?;
    report::months(out, &account, &months)?;
    bank.shut_down().await;
    Ok(true)
}

/// Shows the bank at a glance: once, or on a terminal until Ctrl-C.
pub(super) async fn dashboard(out: &mut Output, store: &Path, is_once: bool) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    if is_once || !out.is_terminal() {
        until_all_are_current(&bank).await;
        report::dashboard(out, &Dashboard::of(&bank).await)?;
    } else {
        follow(out, &bank).await?;
    }
    bank.shut_down().await;
    Ok(true)
}

async fn follow(out: &mut Output, bank: &Annals) -> Result<(), CliError> {
    let mut ticks = tokio::time::interval(Dashboard::REFRESH);
    let mut ended = pin!(tokio::signal::ctrl_c());
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            ended = &mut ended => {
                ended?;
                return Ok(writeln!(out)?);
            }
        }
        let mut text = Vec::new();
        report::dashboard(&mut text, &Dashboard::of(bank).await)?;
        // What stood there is written over, so that nothing flickers.
        let text = String::from_utf8_lossy(&text).replace('\n', END_OF_LINE);
        write!(out, "{HOME}{text}Ctrl-C ends it.{END_OF_SCREEN}")?;
        out.flush()?;
    }
}
