//! The read models, held against the sums of the file.

use std::{collections::BTreeMap, fmt};

use annals::{Annals, prelude::ReadModels, projections::ViewError};

use super::{Figures, Sums};
use crate::{
    domain::invoice::Amount,
    read::{CustomerHistory, DailyRevenue},
};

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// How many customers were compared.
    pub customers: u64,
    /// How many days were compared.
    pub days: u64,
    /// Those whose row holds something else than the file.
    pub wrong: Vec<Wrong>,
}

/// Somebody, or a day, whose row holds something else than the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Whose row it is.
    pub subject: Subject,
    /// What the file sums up to.
    pub expected: Figures,
    /// What the row holds; all of it is nothing when there is none.
    pub found: Figures,
}

/// Whose figures are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A customer's.
    Customer(String),
    /// Those of a day.
    Day(String),
}

/// Compares every row of customers and of days with what the file sums up to, either way: a row that the file knows nothing of is
/// wrong too. The read models have to be current.
///
/// # Errors
/// [`ViewError`] when the rows cannot be read.
pub async fn compare(shop: &Annals, sums: &Sums) -> Result<Comparison, ViewError> {
    let customers: Vec<CustomerHistory> = shop.view()?.all().collect().await?;
    let days: Vec<DailyRevenue> = shop.view()?.all().collect().await?;
    let customers = customers.into_iter().map(|row| {
        let figures = figures(row.invoices, row.cancellations, row.bought, row.given_back);
        (row.customer.to_string(), figures)
    });
    let days = days.into_iter().map(|row| {
        let figures = figures(row.invoices, row.cancellations, row.invoiced, row.given_back);
        (row.day.to_string(), figures)
    });
    let mut comparison = Comparison::default();
    comparison.customers = comparison.hold(&sums.customers, customers.collect(), Subject::Customer);
    comparison.days = comparison.hold(&sums.days, days.collect(), Subject::Day);
    Ok(comparison)
}

impl Comparison {
    /// Holds what was found against what is expected; returns how many that were.
    fn hold(
        &mut self,
        expected: &BTreeMap<String, Figures>,
        mut found: BTreeMap<String, Figures>,
        subject: fn(String) -> Subject,
    ) -> u64 {
        for (of, expected) in expected {
            let found = found.remove(of).unwrap_or_default();
            if found != *expected {
                self.wrong.push(Wrong { subject: subject(of.clone()), expected: *expected, found });
            }
        }
        // A row may be about something else than invoices.
        let others = found.into_iter().filter(|(_, found)| *found != Figures::default());
        let others = others.map(|(of, found)| Wrong { subject: subject(of), expected: Figures::default(), found });
        self.wrong.extend(others);
        expected.len() as u64
    }
}

fn figures(invoices: u64, cancellations: u64, bought: Amount, given_back: Amount) -> Figures {
    let millionths = |amount: Amount| i128::from(amount.thousandths()) * 1000;
    Figures {
        invoices,
        cancellations,
        bought_millionths: millionths(bought),
        given_back_millionths: millionths(given_back),
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Customer(customer) => write!(f, "customer {customer}"),
            Self::Day(day) => write!(f, "day {day}"),
        }
    }
}
