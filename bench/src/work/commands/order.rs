//! What is decided about: orders, and the items that their lines are about.

use annals::prelude::*;
use annals_core::{Boundary, Preparation, Prepare, Selection, kinds};
use serde::{Deserialize, Serialize};

use crate::event::OrderEvent;

/// What is known of lines.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) lines: u64,
    cents: u64,
    customer: String,
    is_cancelled: bool,
}

impl Evolve<OrderEvent> for Summary {
    fn evolve(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::LineAdded { price_cents, customer, .. } => {
                self.lines += 1;
                self.cents += price_cents;
                self.customer.clone_from(customer);
            }
            OrderEvent::Cancelled { .. } => self.is_cancelled = true,
        }
    }
}

/// An order, in one of the streams that a store is filled with.
#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "bench", id = u64, event = OrderEvent)]
pub(super) struct Order {
    summary: Summary,
}

/// An order of 10,000 lines.
#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "single10000", id = u64, event = OrderEvent)]
pub(super) struct LongOrder {
    pub(super) summary: Summary,
}

/// The same order, of which snapshots are kept.
#[derive(Debug, Default, Clone, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "single10000", id = u64, event = OrderEvent, snapshot(explicit))]
pub(super) struct KeptOrder {
    pub(super) summary: Summary,
}

/// The lines that carry the tag of an item.
#[derive(Debug, Default, Clone)]
pub(super) struct Item {
    pub(super) summary: Summary,
}

impl Boundary for Item {
    type Id = u64;
    fn select(item: &u64) -> Selection<Self> {
        Selection::of(kinds![OrderEvent::LineAdded]).tag("item", item)
    }
}

macro_rules! summarised {
    ($($state:ty),*) => {$(
        impl Evolve<OrderEvent> for $state {
            fn evolve(&mut self, event: &OrderEvent) {
                self.summary.evolve(event);
            }
        }
    )*};
}

summarised!(Order, LongOrder, KeptOrder, Item);

/// What is decided on two items. It carries tags like them, but not theirs: however often it is decided, they have the
/// same number of events.
#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "reservation")]
pub(super) enum ReservationEvent {
    Made {
        #[tag(name = "reserved")]
        one: u64,
        #[tag(name = "reserved")]
        other: u64,
        line: OrderEvent,
    },
}

/// Adds a line.
#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(super) struct AddLine {
    pub(super) line: OrderEvent,
}

impl Handle<AddLine> for Order {
    type Reply = u64;
    type Error = &'static str;
    fn handle(order: &mut Decision<Self>, command: AddLine) -> Result<u64, &'static str> {
        if order.summary.is_cancelled {
            return Err("the order is cancelled");
        }
        order.emit(command.line);
        Ok(order.summary.cents)
    }
}

/// Adds a line under a name that no other line has.
#[derive(Debug, Clone)]
pub(super) struct AddNamedLine {
    pub(super) line: OrderEvent,
    pub(super) name: String,
}

impl Handle<AddNamedLine> for Order {
    type Reply = u64;
    type Error = &'static str;
    fn handle(order: &mut Decision<Self>, command: AddNamedLine) -> Result<u64, &'static str> {
        order.claim("line", &command.name);
        Self::handle(order, AddLine { line: command.line })
    }
}

/// Adds a line that somebody else has to look at before.
#[derive(Debug, Clone)]
pub(super) struct AddSeenLine {
    pub(super) line: OrderEvent,
}

/// Who looks at lines: has seen them already.
pub(super) struct Viewer;

impl Prepare<AddSeenLine> for Order {
    type Service = Viewer;
    type Prepared = AddLine;
    type Error = &'static str;
    async fn prepare(_: Preparation<'_, Self>, command: AddSeenLine, _: &Viewer) -> Result<AddLine, &'static str> {
        Ok(AddLine { line: command.line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fill::{Ids, SINGLES};

    #[test]
    fn orders_are_in_the_streams_that_a_store_is_filled_with() {
        assert_eq!(Order::NAME, Ids::Number.stream(7).unwrap().category());
        let long = SINGLES[2].stream(7).unwrap();
        assert_eq!([LongOrder::NAME, KeptOrder::NAME], [long.category(); 2]);
    }
}
