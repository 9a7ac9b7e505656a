//! What customers do by themselves, in a season that nobody but a program lives through.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    domain::{
        Money, Order, OrderId, Payment,
        order::{Cancel, Cause, OrderEvent, Return},
        payment::ReceivePayment,
    },
    process::{days, hours},
    services::dice,
};

/// The customer behind one order: pays invoices, some late and some never; changes their mind now and then; sends back what does
/// not please.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shopper {
    /// What the customer is going to pay, once invoiced.
    owes: Option<Money>,
    is_cancelled: bool,
}

#[saga(
    name = "shopper",
    sends(Order: Cancel, Return; Payment: ReceivePayment),
    ignore(OrderEvent::*)
)]
impl Shopper {
    #[on(OrderEvent::Placed { .. }, starts)]
    fn placed(&mut self, step: &mut Step<'_, Self>) {
        if dice(&("regret", step.key())) < 40 {
            step.schedule("regret", hours(1 + dice(&("regret after", step.key())) % 100));
        }
    }

    #[timeout("regret")]
    fn regrets(&mut self, step: &mut Step<'_, Self>) {
        step.send::<Order, _>(order(step), Cancel { cause: Cause::Customer });
    }

    #[on(OrderEvent::Invoiced { amount, .. }, otherwise = ignore)]
    fn invoiced(&mut self, amount: &Money, step: &mut Step<'_, Self>) {
        let after = match dice(&("pays", step.key())) {
            0..50 => return, // never
            50..170 => days(11 + dice(&("late", step.key())) % 20),
            _ => hours(1 + dice(&("in time", step.key())) % 200),
        };
        self.owes = Some(*amount);
        step.schedule("pay", after);
    }

    #[timeout("pay")]
    fn pays(&mut self, step: &mut Step<'_, Self>) {
        if let Some(amount) = self.owes.take() {
            step.send::<Payment, _>(order(step), ReceivePayment { amount });
        }
        if self.is_cancelled {
            step.complete();
        }
    }

    #[on(OrderEvent::Delivered {}, otherwise = ignore)]
    fn delivered(&mut self, step: &mut Step<'_, Self>) {
        if dice(&("return", step.key())) < 60 {
            step.schedule("return", days(3));
        } else {
            step.complete();
        }
    }

    #[timeout("return")]
    fn returns(&mut self, step: &mut Step<'_, Self>) {
        step.send::<Order, _>(order(step), Return {});
        step.complete();
    }

    // Who wanted to pay a cancelled order may still do so, and gets it back.
    #[on(OrderEvent::Cancelled { .. }, otherwise = ignore)]
    fn cancelled(&mut self, step: &mut Step<'_, Self>) {
        self.is_cancelled = true;
        if self.owes.is_none() || dice(&("pays anyway", step.key())) < 500 {
            step.complete();
        }
    }

    // It is packed already, or cancelled.
    #[refused(Cancel)]
    fn too_late(&mut self) {}
}

fn order(step: &Step<'_, Shopper>) -> OrderId {
    step.key().into()
}
