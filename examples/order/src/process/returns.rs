//! Orders that come back.

use annals::{prelude::*, reaction};

use crate::domain::{Line, OrderId, Payment, StockItem, order::OrderEvent, payment::Refund, stock::Receive};

/// When an order comes back, the customer gets the money, and the shelf the goods.
#[derive(Debug, Clone, Copy)]
pub struct Returns;

#[reaction(name = "returns", sends(Payment: Refund; StockItem: Receive), ignore(OrderEvent::*))]
impl Returns {
    #[on(OrderEvent::Returned { lines })]
    fn returned(lines: &[Line], cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        step.send::<Payment, _>(cx.id::<OrderId>()?, Refund {});
        for line in lines {
            step.send::<StockItem, _>(line.product.clone(), Receive { count: line.count });
        }
        Ok(())
    }
}
