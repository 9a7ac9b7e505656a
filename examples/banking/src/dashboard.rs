//! The bank at a glance: how its read models are doing, and what they say.

use std::time::Duration;

use annals::{
    Annals, Position,
    prelude::ReadModels,
    projections::{Health, Lag, ProjectionHandle, Status, ViewError},
};
use futures::TryStreamExt;

use crate::{
    domain::Money,
    read::{AccountBalance, DailyTurnover, Watched},
};

/// How many of the largest accounts, latest days and watched accounts are shown.
const SHOWN: usize = 5;

/// The bank at a glance. What a read model cannot say, because it is being filled for instance, is an error in its place.
#[derive(Debug)]
pub struct Dashboard {
    /// Where the log ends.
    pub end: Position,
    /// How each projection is doing.
    pub projections: Vec<Vitals>,
    /// What is on the accounts.
    pub holdings: Result<Holdings, ViewError>,
    /// What the latest days moved, the latest first.
    pub days: Result<Vec<DailyTurnover>, ViewError>,
    /// Accounts that somebody should look at, those that were noticed last first.
    pub watched: Result<Vec<Watched>, ViewError>,
}

/// How a projection is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Vitals {
    /// What it is doing, and where it is.
    pub status: Status,
    /// How far it is behind.
    pub lag: Lag,
    /// Whether somebody should look at it.
    pub health: Health,
}

/// What is on the accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// How many accounts there are.
    pub accounts: u64,
    /// What is on all of them together.
    pub total: Money,
    /// The largest of them, the largest first.
    pub largest: Vec<AccountBalance>,
}

impl Dashboard {
    /// How often it is worth being looked at again.
    pub const REFRESH: Duration = Duration::from_secs(1);

    /// Looks at the bank.
    pub async fn of(bank: &Annals) -> Self {
        let end = bank.store().head().borrow().position;
        let projections = bank.projections();
        let of_each = projections.iter().flat_map(|projections| projections.iter());
        let projections = of_each.map(|projection| Vitals::of(&projection));
        Self {
            end,
            projections: projections.collect(),
            holdings: holdings(bank).await,
            days: days(bank).await,
            watched: watched(bank).await,
        }
    }
}

impl Vitals {
    fn of(projection: &ProjectionHandle) -> Self {
        Self { lag: projection.lag(), status: projection.status(), health: projection.health() }
    }
}

/// Goes through all accounts. Where these are very many, another row should hold the sums.
async fn holdings(bank: &Annals) -> Result<Holdings, ViewError> {
    let balances = bank.view::<AccountBalance>()?;
    let add = async |(accounts, total), row: AccountBalance| Ok((accounts + 1, total + row.balance));
    let (accounts, total) = balances.all().stream().try_fold((0, Money::ZERO), add).await?;
    let largest = balances.by(AccountBalance::BY_BALANCE).all().backward().limit(SHOWN).collect().await?;
    Ok(Holdings { accounts, total, largest })
}

async fn days(bank: &Annals) -> Result<Vec<DailyTurnover>, ViewError> {
    bank.view::<DailyTurnover>()?.all().backward().limit(SHOWN).collect().await
}

async fn watched(bank: &Annals) -> Result<Vec<Watched>, ViewError> {
    bank.view::<Watched>()?.by(Watched::BY_TO).all().backward().limit(SHOWN).collect().await
}
