//! From the cart to the door.

use annals::{prelude::*, sagas::Undo};
use serde::{Deserialize, Serialize};

use super::{days, hours};
use crate::domain::{
    Line, Money, Order, OrderId, Package, PackageId, Payment, Shipment, StockItem, Terms,
    order::{Cancel, Cause, Confirm, OrderError, OrderEvent, Pay, goods, total},
    package::{Content, Pack, Unpack},
    payment::{Charge, Denial, PaymentError, PaymentEvent, Refund},
    shipment::{Send, TakeBack, TryToDeliver},
    stock::{Pick, PutBack, Release, Reserve, StockEvent},
};

/// How often goods that are not there are asked for again.
const RESERVATIONS_MAX: u32 = 6;
/// How often the bank is asked.
const CHARGES_MAX: u32 = 5;
/// How often the carrier tries.
const DELIVERIES_MAX: u32 = 3;

/// One order on its way: goods are reserved, the order is confirmed and paid, the goods are picked, packed and sent, and the
/// carrier tries to deliver them. What was done is undone, the latest first, when it does not come to that.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilment {
    lines: Vec<Line>,
    /// The card that is charged; none when the order is on invoice.
    card: Option<String>,
    reservations: u32,
    charges: u32,
    deliveries: u32,
    /// How many products are not picked yet.
    unpicked: usize,
}

#[saga(
    name = "fulfilment",
    sends(
        joint: Reserve, Release;
        Order: Confirm, Pay, Cancel;
        Payment: prepared Charge, Refund;
        StockItem: Pick, PutBack;
        Package: Pack, Unpack;
        Shipment: Send, prepared TryToDeliver, TakeBack
    ),
    ignore(
        OrderEvent::Invoiced, OrderEvent::Reminded, OrderEvent::Arrived, OrderEvent::Returned,
        PaymentEvent::Refunded, PaymentEvent::Voided,
        StockEvent::Received, StockEvent::Reserved, StockEvent::Released, StockEvent::PutBack,
        StockEvent::RanLow, StockEvent::RanOut, StockEvent::Reordered
    )
)]
impl Fulfilment {
    #[on(OrderEvent::Placed { lines, terms, .. }, starts)]
    fn placed(&mut self, lines: &[Line], terms: &Terms, step: &mut Step<'_, Self>) {
        self.lines = lines.to_vec();
        self.card = match terms {
            Terms::Card { card } => Some(card.clone()),
            Terms::Invoice { .. } => None,
        };
        self.reserve(step);
    }

    #[refused(Reserve)]
    fn short(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>) {
        // More may be on its way from the supplier. An order that was cancelled meanwhile says so itself.
        if let Some(OrderError::Short { .. }) = refusal.error() {
            if self.reservations < RESERVATIONS_MAX {
                step.schedule("goods", days(2));
            } else {
                give_up(Cause::SoldOut, step);
            }
        }
    }

    #[timeout("goods")]
    fn try_to_reserve_again(&mut self, step: &mut Step<'_, Self>) {
        self.reserve(step);
    }

    #[on(OrderEvent::Reserved {}, otherwise = ignore)]
    fn reserved(&mut self, step: &mut Step<'_, Self>) {
        step.send::<Order, _>(order(step), Confirm {});
    }

    #[on(OrderEvent::Confirmed {}, otherwise = ignore)]
    fn confirmed(&mut self, step: &mut Step<'_, Self>) {
        self.charge(step); // or it is paid on invoice, which is the customer's to do
    }

    #[refused(Charge)]
    fn not_charged(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>) {
        match refusal.error() {
            // The first pause is an hour, each other one twice as long.
            Some(PaymentError::Denied(Denial::Unreachable)) if self.charges < CHARGES_MAX => {
                step.schedule("bank", hours(1 << self.charges.saturating_sub(1)));
            }
            Some(PaymentError::Denied(Denial::Unreachable)) => give_up(Cause::BankUnreachable, step),
            _ => give_up(Cause::Declined, step),
        }
    }

    #[timeout("bank")]
    fn try_to_charge_again(&mut self, step: &mut Step<'_, Self>) {
        self.charge(step);
    }

    // Of what came too late for an order that was cancelled, the payment itself or the compensation sends it back.
    #[on(PaymentEvent::Captured { .. }, otherwise = ignore)]
    #[on(PaymentEvent::Received { .. }, otherwise = ignore)]
    fn money_came(&mut self, step: &mut Step<'_, Self>) {
        let undo = Undo::by::<Payment, _>(order(step), Refund {});
        step.perform::<Order, _>(order(step), Pay {}, undo);
    }

    #[refused(Pay)]
    fn was_paid(&mut self) {} // paid twice: the payment sends the second back itself

    #[on(OrderEvent::Paid {}, otherwise = ignore)]
    fn paid(&mut self, step: &mut Step<'_, Self>) {
        let goods = goods(&self.lines);
        self.unpicked = goods.len();
        for (product, count) in goods {
            let order = order(step);
            let undo = Undo::by::<StockItem, _>(product.clone(), PutBack { order: order.clone(), count });
            step.perform::<StockItem, _>(product, Pick { order, count }, undo);
        }
    }

    #[on(StockEvent::Picked { order, .. }, key = order, otherwise = ignore)]
    fn picked(&mut self, step: &mut Step<'_, Self>) {
        self.unpicked = self.unpicked.saturating_sub(1);
        if self.unpicked == 0 {
            let content = |(product, count)| Content { order: order(step), product, count };
            let contents = goods(&self.lines).into_iter().map(content).collect();
            step.perform::<Package, _>(
                package(step),
                Pack { contents },
                Undo::by::<Package, _>(package(step), Unpack {}),
            );
        }
    }

    #[on(OrderEvent::Packed { .. }, otherwise = ignore)]
    fn packed(&mut self, step: &mut Step<'_, Self>) {
        let undo = Undo::by::<Shipment, _>(package(step), TakeBack {});
        step.perform::<Shipment, _>(package(step), Send { orders: vec![order(step)] }, undo);
    }

    #[on(OrderEvent::Sent { .. }, otherwise = ignore)]
    fn sent(&mut self, step: &mut Step<'_, Self>) {
        step.schedule("carrier", days(2));
    }

    #[timeout("carrier")]
    fn carrier_is_there(&mut self, step: &mut Step<'_, Self>) {
        self.deliveries += 1;
        step.send::<Shipment, _>(package(step), TryToDeliver { attempt: self.deliveries });
    }

    #[on(OrderEvent::DeliveryFailed { .. }, otherwise = ignore)]
    fn nobody_home(&mut self, step: &mut Step<'_, Self>) {
        if self.deliveries < DELIVERIES_MAX {
            step.schedule("carrier", days(1));
        } else {
            give_up(Cause::Undeliverable, step);
        }
    }

    #[on(OrderEvent::Delivered {}, otherwise = ignore)]
    fn delivered(&mut self, step: &mut Step<'_, Self>) {
        step.complete();
    }

    // By the customer, or because nothing was paid.
    #[on(OrderEvent::Cancelled { .. }, otherwise = ignore)]
    fn cancelled(&mut self, step: &mut Step<'_, Self>) {
        // An invoice may be paid yet, however late.
        step.send::<Payment, _>(order(step), Refund {});
        step.compensate();
    }

    // The customer was faster. That it was cancelled comes as an event.
    #[refused(Confirm)]
    fn not_confirmed(&mut self) {}

    #[refused(Cancel)]
    fn was_cancelled(&mut self) {}

    fn reserve(&mut self, step: &mut Step<'_, Self>) {
        self.reservations += 1;
        let undo = Undo::joint(Release::all(order(step), &self.lines));
        step.perform_joint(Reserve { order: order(step), lines: self.lines.clone() }, undo);
    }

    fn charge(&mut self, step: &mut Step<'_, Self>) {
        if let Some(card) = self.card.clone() {
            self.charges += 1;
            let (amount, attempt): (Money, _) = (total(&self.lines), self.charges);
            let undo = Undo::by::<Payment, _>(order(step), Refund {});
            step.perform::<Payment, _>(order(step), Charge { card, amount, attempt }, undo);
        }
    }
}

/// Nothing comes of the order: it is cancelled, and what was done for it is undone.
fn give_up(cause: Cause, step: &mut Step<'_, Fulfilment>) {
    step.send::<Order, _>(order(step), Cancel { cause });
    step.compensate();
}

fn order(step: &Step<'_, Fulfilment>) -> OrderId {
    step.key().into()
}

/// This warehouse packs each order into one package, which is called like the order.
fn package(step: &Step<'_, Fulfilment>) -> PackageId {
    step.key().into()
}
