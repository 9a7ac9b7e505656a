//! Bookings, counted and summed.

use std::ops;

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use crate::domain::Money;

/// Bookings, counted and summed: everything that changed a balance, the correction to a recorded balance included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, Shape)]
pub struct Bookings {
    /// How many there were.
    pub count: u64,
    /// What came in with them.
    pub incoming: Money,
    /// What went out with them, as a positive amount.
    pub outgoing: Money,
}

impl Bookings {
    /// One booking that changed a balance by so much.
    #[must_use]
    pub fn one(change: Money) -> Self {
        let (incoming, outgoing) = if change > Money::ZERO { (change, Money::ZERO) } else { (Money::ZERO, -change) };
        Self { count: 1, incoming, outgoing }
    }

    /// By how much they changed the balance together.
    #[must_use]
    pub fn change(self) -> Money {
        self.incoming - self.outgoing
    }
}

impl ops::AddAssign for Bookings {
    fn add_assign(&mut self, other: Self) {
        self.count += other.count;
        self.incoming += other.incoming;
        self.outgoing += other.outgoing;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_and_what_goes_out_is_summed_apart() {
        let mut bookings = Bookings::default();
        for minor in [100, -30, 5] {
            bookings += Bookings::one(Money::from_minor(minor));
        }
        let (incoming, outgoing) = (Money::from_minor(105), Money::from_minor(30));
        assert_eq!(bookings, Bookings { count: 3, incoming, outgoing });
        assert_eq!(bookings.change(), Money::from_minor(75));
    }
}
