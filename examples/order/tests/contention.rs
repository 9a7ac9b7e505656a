//! Stock that many want at once.

use annals::{ExecuteError, MemoryStore, prelude::*};
use futures::future::join_all;
use order::domain::{
    Line, Money, Order, OrderId, ProductId, StockItem, Terms,
    order::{OrderError, Place},
    stock::{Receive, Reserve},
};

fn lines(products: &[&str]) -> Vec<Line> {
    products
        .iter()
        .map(|product| Line { product: ProductId::from(*product), count: 1, price: Money::of_cents(100) })
        .collect()
}

#[tokio::test]
async fn of_what_hundred_orders_want_at_once_no_more_is_promised_than_there_is() {
    let shop = Annals::over(MemoryStore::new()).open().await.unwrap();
    for (product, count) in [("lamp", 30), ("chair", 20)] {
        shop.on::<StockItem>(product).send(Receive { count }).await.unwrap();
    }
    // Each wants a lamp; every other one a chair too.
    let wanted = |number: usize| if number.is_multiple_of(2) { lines(&["chair", "lamp"]) } else { lines(&["lamp"]) };
    let reserve = |number: usize| {
        let shop = shop.clone();
        async move {
            let order = OrderId::from(format!("o-{number}"));
            let terms = Terms::Card { card: "4000".into() };
            let place = Place { customer: "ada".into(), lines: wanted(number), terms };
            shop.on::<Order>(order.clone()).send(place).await.unwrap();
            shop.send(Reserve { order, lines: wanted(number) }).await.map(drop)
        }
    };
    let outcomes = join_all((0..100).map(reserve)).await;
    let reserved = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    for outcome in outcomes {
        let is_short = |error: &OrderError| matches!(error, OrderError::Short { .. });
        assert!(
            outcome.is_ok() || matches!(&outcome, Err(ExecuteError::Refused(error)) if is_short(error)),
            "{outcome:?}"
        );
    }
    let lamps = shop.on::<StockItem>("lamp").load().await.unwrap().state;
    let chairs = shop.on::<StockItem>("chair").load().await.unwrap().state;
    assert_eq!((lamps.available, reserved), (0, 30), "all lamps are promised, and none twice");
    assert_eq!(lamps.reserved.len(), 30);
    assert_eq!(chairs.available as usize + chairs.reserved.len(), 20);
}

#[tokio::test]
async fn an_order_gets_everything_that_it_needs_or_nothing() {
    let shop = Annals::over(MemoryStore::new()).open().await.unwrap();
    shop.on::<StockItem>("lamp").send(Receive { count: 9 }).await.unwrap();
    let terms = Terms::Card { card: "4000".into() };
    let place = Place { customer: "ada".into(), lines: lines(&["lamp", "chair"]), terms };
    shop.on::<Order>("o-1").send(place).await.unwrap();
    let refused = shop.send(Reserve { order: "o-1".into(), lines: lines(&["lamp", "chair"]) }).await;
    let expected = OrderError::Short { product: "chair".into(), missing: 1 };
    assert!(matches!(refused, Err(ExecuteError::Refused(error)) if error == expected));
    assert_eq!(shop.on::<StockItem>("lamp").load().await.unwrap().state.available, 9);
}
