//! What packages mean for the orders that have goods in them.

use annals::{prelude::*, reaction};

use crate::domain::{
    Order, OrderId, PackageId,
    order::{NoteDelivered, NoteFailed, NotePacked, NoteSent},
    package::{self, Content, PackageEvent},
    shipment::ShipmentEvent,
};

/// Tells each order what becomes of the packages that hold something of it. What happens to a package is told in the order in
/// which it happens.
#[derive(Debug, Clone, Copy)]
pub struct Parcels;

#[reaction(
    name = "parcels",
    sends(Order: NotePacked, NoteSent, NoteFailed, NoteDelivered),
    ignore(PackageEvent::Unpacked, ShipmentEvent::TakenBack)
)]
impl Parcels {
    #[on(PackageEvent::Packed { contents })]
    fn packed(contents: &[Content], step: &mut Step<'_, Self>) {
        for (order, goods) in package::by_order(contents) {
            step.send::<Order, _>(order, NotePacked { package: package(step), goods });
        }
    }

    #[on(ShipmentEvent::Sent { orders })]
    fn sent(orders: &[OrderId], step: &mut Step<'_, Self>) {
        for order in orders {
            step.send::<Order, _>(order.clone(), NoteSent { package: package(step) });
        }
    }

    #[on(ShipmentEvent::Failed { orders })]
    fn failed(orders: &[OrderId], step: &mut Step<'_, Self>) {
        for order in orders {
            step.send::<Order, _>(order.clone(), NoteFailed { package: package(step) });
        }
    }

    #[on(ShipmentEvent::Delivered { orders })]
    fn delivered(orders: &[OrderId], step: &mut Step<'_, Self>) {
        for order in orders {
            step.send::<Order, _>(order.clone(), NoteDelivered { package: package(step) });
        }
    }
}

fn package(step: &Step<'_, Parcels>) -> PackageId {
    step.key().into()
}
