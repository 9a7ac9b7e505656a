//! A bank and a carrier to play with: they fail as real ones do, and the same way in every run.

use annals::async_trait;

use crate::domain::{
    Money, OrderId, PackageId,
    payment::{Bank, Denial, Reference},
    shipment::{Carrier, Outcome},
};

/// A bank that declines some cards, and sometimes does not answer: once in a while although it has charged the card.
#[derive(Debug, Clone, Copy)]
pub struct FickleBank {
    /// Of how many charges in a thousand the card is declined.
    pub declined_permille: u64,
    /// Of how many calls in a thousand there is no answer.
    pub unreachable_permille: u64,
}

/// A carrier that sometimes finds nobody at home.
#[derive(Debug, Clone, Copy)]
pub struct FickleCarrier {
    /// At how many attempts in a thousand nobody is there.
    pub nobody_permille: u64,
}

#[async_trait]
impl Bank for FickleBank {
    async fn charge(&self, order: &OrderId, attempt: u32, card: &str, _: Money) -> Result<Reference, Denial> {
        if dice(&("bank", order.to_string(), attempt)) < self.unreachable_permille {
            return Err(Denial::Unreachable);
        }
        if dice(&("card", card, order.to_string())) < self.declined_permille {
            return Err(Denial::Declined);
        }
        // The order names the charge, so it is one however often it is asked for.
        Ok(Reference::new(format!("bank/{order}")))
    }
}

#[async_trait]
impl Carrier for FickleCarrier {
    async fn deliver(&self, package: &PackageId, attempt: u32) -> Outcome {
        let is_nobody_home = dice(&("carrier", package.to_string(), attempt)) < self.nobody_permille;
        if is_nobody_home { Outcome::NobodyHome } else { Outcome::Delivered }
    }
}

/// A number below 1,000 that depends on what is asked about and on nothing else.
pub(crate) fn dice(about: &impl std::fmt::Debug) -> u64 {
    let seed = format!("{about:?}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    oorandom::Rand64::new(seed.into()).rand_range(0..1000)
}
