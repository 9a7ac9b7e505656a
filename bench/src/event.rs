//! An event as an application has it.

use annals::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::random::{Random, uuid_of};

/// What happens to an order: about 256 bytes when encoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "order")]
pub(crate) enum OrderEvent {
    LineAdded {
        order: Uuid,
        line: u32,
        customer: String,
        product: String,
        description: String,
        quantity: u32,
        price_cents: u64,
        currency: String,
        tax_rate: f64,
        warehouse: Option<String>,
        express: bool,
        added_at: i64,
    },
    Cancelled {
        reason: String,
    },
}

impl OrderEvent {
    pub(crate) fn random(random: &mut Random) -> Self {
        let number = random.next();
        Self::LineAdded {
            order: uuid_of(number),
            line: (number % 20) as u32,
            customer: format!("customer-{:08}", number % 100_000_000),
            product: format!("SKU-{:012}", number % 1_000_000_000_000),
            description: format!("A thing of the kind that is ordered often, number {:06}", number % 1_000_000),
            quantity: (number % 100) as u32,
            price_cents: number % 10_000_000,
            currency: "EUR".to_owned(),
            tax_rate: 0.19,
            warehouse: Some("north-2".to_owned()),
            express: number.is_multiple_of(2),
            added_at: 1_750_000_000_000_000 + (number % 1_000_000_000) as i64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_about_256_bytes() {
        let mut random = Random::new(1);
        for _ in 0..1000 {
            let bytes = OrderEvent::random(&mut random).encode().unwrap().len();
            assert!((240..=272).contains(&bytes), "{bytes}");
        }
    }
}
