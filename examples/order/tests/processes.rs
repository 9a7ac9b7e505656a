//! What the processes do, one input after the other.

use std::time::Duration;

use annals::sagas::testing::{SagaTest, sent, sent_joint};
use order::{
    domain::{
        Line, Money, Order, Package, Payment, Shipment, StockItem, Terms,
        order::{Cancel, Cause, Confirm, OrderError, OrderEvent, Pay, Remind},
        package::Pack,
        payment::{Charge, Denial, PaymentError, PaymentEvent, Reference, Refund, VoidPayment},
        shipment::{Send, TryToDeliver},
        stock::{Pick, Release, Reserve, StockEvent},
    },
    process::{Collection, Fulfilment, Replenishment, days, hours},
};

fn lines() -> Vec<Line> {
    vec![Line { product: "lamp".into(), count: 2, price: Money::of_cents(250) }]
}

fn placed(terms: Terms) -> OrderEvent {
    OrderEvent::Placed { customer: "ada".into(), lines: lines(), terms }
}

fn card() -> Terms {
    Terms::Card { card: "4000".into() }
}

fn charge(attempt: u32) -> Charge {
    Charge { card: "4000".into(), amount: Money::of_cents(500), attempt }
}

fn reserve() -> Reserve {
    Reserve { order: "o-1".into(), lines: lines() }
}

/// An order on a card, up to when it is confirmed.
fn confirmed() -> SagaTest<Fulfilment> {
    let events = [placed(card()), OrderEvent::Reserved {}, OrderEvent::Confirmed {}];
    SagaTest::new().given::<Order>("o-1", events)
}

#[test]
fn an_order_goes_from_the_cart_to_the_door() {
    let picked = StockEvent::Picked { order: "o-1".into(), count: 2 };
    let packed = OrderEvent::Packed { package: "o-1".into(), goods: vec![("lamp".into(), 2)] };
    let contents = vec![order::domain::package::Content { order: "o-1".into(), product: "lamp".into(), count: 2 }];
    let captured = PaymentEvent::Captured { amount: Money::of_cents(500), reference: Reference::new("bank/o-1") };
    SagaTest::<Fulfilment>::new()
        .when::<Order>("o-1", placed(card()))
        .then_sends([sent_joint(reserve())])
        .when::<Order>("o-1", OrderEvent::Reserved {})
        .then_sends([sent::<Order, _>("o-1", Confirm {})])
        .when::<Order>("o-1", OrderEvent::Confirmed {})
        .then_sends([sent::<Payment, _>("o-1", charge(1))])
        .when::<Payment>("o-1", captured)
        .then_sends([sent::<Order, _>("o-1", Pay {})])
        .when::<Order>("o-1", OrderEvent::Paid {})
        .then_sends([sent::<StockItem, _>("lamp", Pick { order: "o-1".into(), count: 2 })])
        .when::<StockItem>("lamp", picked)
        .then_sends([sent::<Package, _>("o-1", Pack { contents })])
        .when::<Order>("o-1", packed)
        .then_sends([sent::<Shipment, _>("o-1", Send { orders: vec!["o-1".into()] })])
        .when::<Order>("o-1", OrderEvent::Sent { package: "o-1".into() })
        .then_timer("carrier", days(2))
        .advance(days(2))
        .then_sends([sent::<Shipment, _>("o-1", TryToDeliver { attempt: 1 })])
        .when::<Order>("o-1", OrderEvent::DeliveryFailed { package: "o-1".into() })
        .advance(days(1))
        .then_sends([sent::<Shipment, _>("o-1", TryToDeliver { attempt: 2 })])
        .when::<Order>("o-1", OrderEvent::Delivered {})
        .then_completed();
}

#[test]
fn a_bank_that_does_not_answer_is_asked_again_and_a_card_that_is_declined_is_not() {
    let unreachable = || PaymentError::Denied(Denial::Unreachable);
    let denied = PaymentError::Denied(Denial::Declined);
    confirmed()
        .refused_prepared::<Payment, _>("o-1", charge(1), unreachable())
        .then_timer("bank", hours(1))
        .advance(hours(1))
        .then_sends([sent::<Payment, _>("o-1", charge(2))])
        .refused_prepared::<Payment, _>("o-1", charge(2), unreachable())
        .then_timer("bank", hours(2))
        .advance(hours(2))
        .refused_prepared::<Payment, _>("o-1", charge(3), denied)
        .then_sends([
            sent::<Order, _>("o-1", Cancel { cause: Cause::Declined }),
            sent_joint(Release::all("o-1".into(), &lines())),
        ])
        .then_compensated();
}

#[test]
fn goods_that_are_not_there_are_asked_for_again_until_the_shop_gives_up() {
    let short = || OrderError::Short { product: "lamp".into(), missing: 1 };
    let mut test = SagaTest::<Fulfilment>::new().given::<Order>("o-1", [placed(card())]);
    for _ in 1..6 {
        test = test.refused_joint(reserve(), short()).advance(days(2)).then_sends([sent_joint(reserve())]);
    }
    test.refused_joint(reserve(), short())
        .then_sends([sent::<Order, _>("o-1", Cancel { cause: Cause::SoldOut })])
        .then_compensated();
}

#[test]
fn an_order_that_the_customer_cancels_is_undone_and_what_is_paid_yet_goes_back() {
    confirmed()
        .when::<Order>("o-1", OrderEvent::Cancelled { cause: Cause::Customer })
        .then_sends([
            sent::<Payment, _>("o-1", Refund {}),
            sent::<Payment, _>("o-1", Refund {}),
            sent_joint(Release::all("o-1".into(), &lines())),
        ])
        .then_compensated();
}

#[test]
fn reminders_do_not_drift_and_end_with_the_order() {
    let invoiced =
        |reminders_max| OrderEvent::Invoiced { amount: Money::of_cents(500), remind_after_days: 20, reminders_max };
    SagaTest::<Collection>::new()
        .when::<Order>("o-1", invoiced(Some(2)))
        .then_timer("reminder", days(20))
        .advance(days(20))
        .then_sends([sent::<Order, _>("o-1", Remind { number: 1 })])
        .then_timer("reminder", days(20))
        .advance(days(20))
        .then_sends([sent::<Order, _>("o-1", Remind { number: 2 })])
        .advance(days(20))
        .then_sends([sent::<Payment, _>("o-1", VoidPayment {})])
        .when::<Payment>("o-1", PaymentEvent::Voided {})
        .then_sends([sent::<Order, _>("o-1", Cancel { cause: Cause::Unpaid })])
        .then_completed();
    SagaTest::<Collection>::new()
        .when::<Order>("o-1", invoiced(None))
        .advance(days(19))
        .when::<Payment>("o-1", PaymentEvent::Received { amount: Money::of_cents(500) })
        .then_completed()
        .advance(days(99))
        .then_sends([]);
}

#[test]
fn stock_that_runs_low_twice_is_ordered_once() {
    let low = || StockEvent::RanLow { product: "lamp".into(), left: 3 };
    let ordered = |test: SagaTest<Replenishment>| {
        test.then_sends([sent::<StockItem, _>("lamp", order::domain::stock::Reorder { count: 40 })])
    };
    let test = ordered(SagaTest::new().when::<StockItem>("lamp", low()));
    let test = test.when::<StockItem>("lamp", low()).then_sends([]).advance(Duration::from_secs(9 * 86_400));
    let test = test.then_sends([sent::<StockItem, _>("lamp", order::domain::stock::Receive { count: 40 })]);
    ordered(test.when::<StockItem>("lamp", low()));
}
