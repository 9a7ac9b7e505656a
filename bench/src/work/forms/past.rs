//! A line of an order in four generations of its code.

use annals::{Event, Record, Shape, UpcastError, codec::Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::event::OrderEvent;

/// The line as it is today, through typed steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "past")]
pub(crate) enum PastEvent {
    #[event(version = 4, from(1 = LineAddedV1, 2 = LineAddedV2, 3 = LineAddedV3))]
    LineAdded(LineAdded),
}

/// The same, through a step on a tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "value")]
pub(crate) enum ValueEvent {
    #[event(version = 2, from(1 = value(price_in_cents)))]
    LineAdded(LineAdded),
}

/// A form of the line: its own fields in front of those that never changed.
macro_rules! line {
    ($(#[$doc:meta])* $form:ident { $($own:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Shape)]
        pub(crate) struct $form {
            order: Uuid,
            line: u32,
            customer: String,
            product: String,
            description: String,
            quantity: u32,
            $($own: $type,)*
            currency: String,
            tax_rate: f64,
            warehouse: Option<String>,
            express: bool,
            added_at: i64,
        }

        impl $form {
            fn with($($own: $type,)* rest: Rest) -> Self {
                let Rest {
                    order, line, customer, product, description, quantity, currency, tax_rate, warehouse, express, added_at
                } = rest;
                Self {
                    order, line, customer, product, description, quantity, $($own,)* currency, tax_rate, warehouse, express,
                    added_at,
                }
            }

            fn rest(self) -> ($($type,)* Rest) {
                let Self {
                    order, line, customer, product, description, quantity, $($own,)* currency, tax_rate, warehouse, express,
                    added_at,
                } = self;
                let rest = Rest {
                    order, line, customer, product, description, quantity, currency, tax_rate, warehouse, express, added_at
                };
                ($($own,)* rest)
            }
        }
    };
}

/// What never changed.
struct Rest {
    order: Uuid,
    line: u32,
    customer: String,
    product: String,
    description: String,
    quantity: u32,
    currency: String,
    tax_rate: f64,
    warehouse: Option<String>,
    express: bool,
    added_at: i64,
}

line! {
    /// Today's.
    LineAdded { price_cents: u64 }
}
line! {
    /// The price was called otherwise.
    LineAddedV3 { price: u64 }
}
line! {
    /// The price was in two parts.
    LineAddedV2 { whole: u64, cents: u32 }
}
line! {
    /// The price was a text.
    LineAddedV1 { amount: String }
}

impl From<LineAddedV1> for LineAddedV2 {
    fn from(old: LineAddedV1) -> Self {
        let (amount, rest) = old.rest();
        let (whole, cents) = amount.split_once('.').unwrap_or((&amount, "0"));
        Self::with(whole.parse().unwrap_or_default(), cents.parse().unwrap_or_default(), rest)
    }
}

impl From<LineAddedV2> for LineAddedV3 {
    fn from(old: LineAddedV2) -> Self {
        let (whole, cents, rest) = old.rest();
        Self::with(whole * 100 + u64::from(cents), rest)
    }
}

impl From<LineAddedV3> for LineAdded {
    fn from(old: LineAddedV3) -> Self {
        let (price, rest) = old.rest();
        Self::with(price, rest)
    }
}

fn price_in_cents(tree: Value, _: &Record) -> Result<Value, UpcastError> {
    let Value::Map(mut fields) = tree else { return Err(UpcastError::new("is no map")) };
    for (name, _) in &mut fields {
        if name.as_str() == Some("price") {
            *name = "price_cents".into();
        }
    }
    Ok(Value::Map(fields))
}

impl LineAdded {
    pub(crate) fn of(event: &OrderEvent) -> Option<Self> {
        let OrderEvent::LineAdded {
            order,
            line,
            customer,
            product,
            description,
            quantity,
            price_cents,
            currency,
            tax_rate,
            warehouse,
            express,
            added_at,
        } = event.clone()
        else {
            return None;
        };
        let rest = Rest {
            order,
            line,
            customer,
            product,
            description,
            quantity,
            currency,
            tax_rate,
            warehouse,
            express,
            added_at,
        };
        Some(Self::with(price_cents, rest))
    }
}

impl LineAddedV3 {
    pub(crate) fn of(line: &LineAdded) -> Self {
        let (price, rest) = line.clone().rest();
        Self::with(price, rest)
    }
}

impl LineAddedV2 {
    pub(crate) fn of(line: &LineAdded) -> Self {
        let (price, rest) = line.clone().rest();
        Self::with(price / 100, (price % 100) as u32, rest)
    }
}

impl LineAddedV1 {
    pub(crate) fn of(line: &LineAdded) -> Self {
        let (price, rest) = line.clone().rest();
        Self::with(format!("{}.{:02}", price / 100, price % 100), rest)
    }
}
