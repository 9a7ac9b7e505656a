//! Invoices that are not paid.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

use super::days;
use crate::domain::{
    Order, OrderId, Payment,
    order::{Cancel, Cause, OrderEvent, Remind},
    payment::{PaymentEvent, VoidPayment},
};

/// One invoice: the customer is reminded until it is paid, or until the shop gives up.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collection {
    remind_after_days: u32,
    reminders_max: Option<u32>,
    reminders: u32,
    /// When the customer is reminded next.
    next: Option<Timestamp>,
}

#[saga(
    name = "collection",
    sends(Order: Remind, Cancel; Payment: VoidPayment),
    ignore(OrderEvent::*, PaymentEvent::Captured, PaymentEvent::Refunded)
)]
impl Collection {
    #[on(OrderEvent::Invoiced { remind_after_days, reminders_max, .. }, starts)]
    fn invoiced(
        &mut self,
        remind_after_days: &u32,
        reminders_max: &Option<u32>,
        cx: &EventContext<'_>,
        step: &mut Step<'_, Self>,
    ) {
        (self.remind_after_days, self.reminders_max) = (*remind_after_days, *reminders_max);
        self.wait_from(cx.record().occurred(), step);
    }

    #[timeout("reminder")]
    fn reminder_is_due(&mut self, step: &mut Step<'_, Self>) {
        if Some(self.reminders) == self.reminders_max {
            step.send::<Payment, _>(order(step), VoidPayment {});
            return;
        }
        self.reminders += 1;
        step.send::<Order, _>(order(step), Remind { number: self.reminders });
        // From when it was due, not from when somebody got around to it: so reminders do not drift.
        self.wait_from(self.next.unwrap_or_else(|| step.now()), step);
    }

    // From here on nothing that comes in counts, so the order can be cancelled.
    #[on(PaymentEvent::Voided {}, otherwise = ignore)]
    fn gave_up(&mut self, step: &mut Step<'_, Self>) {
        step.send::<Order, _>(order(step), Cancel { cause: Cause::Unpaid });
        step.complete();
    }

    #[on(PaymentEvent::Received { .. }, otherwise = ignore)]
    #[on(OrderEvent::Cancelled { .. }, otherwise = ignore)]
    fn is_over(&mut self, step: &mut Step<'_, Self>) {
        step.complete();
    }

    // It was paid at the last moment, which comes as an event; or cancelled, which does too.
    #[refused(VoidPayment)]
    #[refused(Remind)]
    #[refused(Cancel)]
    fn too_late(&mut self) {}

    fn wait_from(&mut self, time: Timestamp, step: &mut Step<'_, Self>) {
        let due = time.saturating_add(days(self.remind_after_days.into()));
        self.next = Some(due);
        step.schedule_at("reminder", due);
    }
}

fn order(step: &Step<'_, Collection>) -> OrderId {
    step.key().into()
}
