//! What is planned for a season: what lies on the shelves, and who orders what, when. The rest follows.

use std::{collections::BTreeSet, time::Duration};

use annals::prelude::*;

use crate::{
    domain::{Line, Money, OrderId, ProductId, Terms, order::Place},
    process::days,
};

/// When the season begins: 2026-01-01T00:00:00Z.
const START: i64 = 1_767_225_600_000_000;
/// How many days orders are placed.
const DAYS: u64 = 90;

/// How large a season is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many orders are placed.
    pub orders: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self { orders: 1_000 }
    }
}

/// What is planned.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What lies on the shelves at the beginning.
    pub stock: Vec<(ProductId, u32)>,
    /// Who orders what, when, in this order.
    pub orders: Vec<(Timestamp, OrderId, Place)>,
}

impl Plan {
    /// The plan of a season of this size.
    #[must_use]
    pub fn of(Size { orders }: Size) -> Self {
        let mut random = oorandom::Rand32::new(7);
        // So few products that orders meet at the shelf.
        let products = (orders / 25).clamp(5, 200);
        let product = |number: u32| ProductId::from(format!("product-{number:03}"));
        let prices: Vec<_> = (0..products).map(|_| i64::from(random.rand_range(500..20_000))).collect();
        let stock = (0..products).map(|number| (product(number), 15)).collect();
        let customers = (orders / 4).max(1);
        let apart = days(DAYS).as_micros() as u64 / u64::from(orders.max(1));
        let placed = (0..orders).map(|number| {
            let jitter = u64::from(random.rand_u32()) % apart.max(1);
            let at = start().saturating_add(Duration::from_micros(u64::from(number) * apart + jitter));
            let wanted: BTreeSet<_> = (0..random.rand_range(1..5)).map(|_| random.rand_range(0..products)).collect();
            let line = |number: u32, count| Line {
                product: product(number),
                count,
                price: Money::of_cents(prices.get(number as usize).copied().unwrap_or_default()),
            };
            let lines = wanted.into_iter().map(|number| line(number, random.rand_range(1..4))).collect();
            let customer = random.rand_range(0..customers);
            let terms = if random.rand_range(0..10) < 6 {
                Terms::Card { card: format!("4000-{customer:04}") }
            } else {
                Terms::Invoice { remind_after_days: 10, reminders_max: Some(2) }
            };
            let place = Place { customer: format!("customer-{customer:04}").into(), lines, terms };
            (at, OrderId::from(format!("o-{number:05}")), place)
        });
        Self { stock, orders: placed.collect() }
    }

    /// When everything that follows from the plan has happened.
    #[must_use]
    pub fn end() -> Timestamp {
        start().saturating_add(days(DAYS + 90))
    }
}

/// When the season begins.
pub(super) fn start() -> Timestamp {
    Timestamp::from_micros(START).unwrap_or(Timestamp::EPOCH)
}
