//! The command that computes a read model anew.

use std::path::Path;

use annals::prelude::Projection;

use super::{error::CliError, flag, output::Output, report};
use crate::{
    bank,
    domain::AccountId,
    progress::Progress,
    read::{WatchList, until_handle_is_current},
    rebuild::{self, Rows},
    statement::{self, StatementError},
};

/// So many rows of each table that differ are shown.
const DIFFERENCES_SHOWN: usize = 3;

/// Lets `rows` of the read model `name` catch up beside those that are read, and shows how the two differ. With a reason they are
/// read from then on; without one they are given up, and whether all were alike is returned.
pub(super) async fn whole(
    out: &mut Output,
    store: &Path,
    name: &str,
    rows: Rows,
    reason: Option<&str>,
) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    let projection = rebuild::find(&bank, name)?;
    until_handle_is_current(&bank, &projection).await?;
    let earlier = projection.shadow().map(|shadow| (shadow.build(), shadow.status().position));
    let shadow = rebuild::begin(&projection, rows).await?;
    if let Some((_, position)) = earlier.filter(|(build, _)| *build == shadow.build()) {
        report::goes_on(out, position)?;
    }
    let progress = Progress::shown(bank.store().head().borrow().position.get(), "positions of the log");
    let caught_up = rebuild::until_caught_up(&shadow, &progress).await;
    progress.finish();
    caught_up?;
    let difference = shadow.compare(DIFFERENCES_SHOWN).await?;
    report::difference(out, projection.name(), &difference)?;
    let is_good = match reason {
        Some(reason) => {
            shadow.swap(reason).await?;
            report::swapped(out, name, &flag(store), projection.name() == WatchList::NAME)?;
            true
        }
        None => {
            shadow.abandon().await?;
            report::kept(out)?;
            difference.is_empty()
        }
    };
    bank.shut_down().await;
    Ok(is_good)
}

/// Replaces the rows of an account in the read model `name` by what follows from its events.
pub(super) async fn of_account(
    out: &mut Output,
    store: &Path,
    name: &str,
    account: AccountId,
) -> Result<bool, CliError> {
    let bank = bank::open_existing(store).await?;
    let projection = rebuild::find(&bank, name)?;
    let account = statement::find(&bank, account).await.map_err(|error| CliError::statement(error, store))?;
    until_handle_is_current(&bank, &projection).await?;
    let events = projection.rebuild_key(None, account.as_str()).await?;
    if events == 0 {
        return Err(CliError::statement(StatementError::UnknownAccount { account }, store));
    }
    report::of_account(out, projection.name(), &account, events)?;
    bank.shut_down().await;
    Ok(true)
}
