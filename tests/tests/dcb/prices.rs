//! Prices that change while customers look at them: who was shown a price gets it, for ten minutes after it was replaced. An
//! order rests on the prices of all products in its cart, however many, and on no other.

use std::{collections::BTreeMap, time::Duration};

use annals::{Boundary, ExecuteError, Executed, Selection, boundary, in_stream, kinds, prelude::*};
use annals_conformance::Harness;
use serde::{Deserialize, Serialize};

use super::application::{Application, refusal};

/// How long a price is honoured when there is another one.
const GRACE: Duration = Duration::from_secs(10 * 60);

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "product")]
enum ProductEvent {
    Priced {
        #[tag]
        product: String,
        cents: u64,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "order")]
enum OrderEvent {
    Placed { items: Vec<Item> },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    product: String,
    shown_cents: u64,
}

#[derive(Clone)]
struct Price {
    cents: u64,
    replaced: Option<Timestamp>,
}

/// The prices that some products have and had.
#[derive(Default, Clone)]
struct Prices {
    of: BTreeMap<String, Vec<Price>>,
}

impl Prices {
    fn is_valid(&self, item: &Item, now: Timestamp) -> bool {
        let is_current = |price: &Price| price.replaced.is_none_or(|replaced| now <= replaced.saturating_add(GRACE));
        let mut prices = self.of.get(&item.product).into_iter().flatten();
        prices.any(|price| price.cents == item.shown_cents && is_current(price))
    }
}

impl Boundary for Prices {
    type Id = Vec<String>;
    fn select(products: &Vec<String>) -> Selection<Self> {
        products.iter().fold(Selection::nothing(), |prices, product| {
            prices.or(kinds![ProductEvent::Priced]).tag("product", product)
        })
    }
}

impl Evolve<ProductEvent> for Prices {
    fn evolve(&mut self, ProductEvent::Priced { product, cents, at }: &ProductEvent) {
        let prices = self.of.entry(product.clone()).or_default();
        if let Some(last) = prices.last_mut() {
            last.replaced = Some(*at);
        }
        prices.push(Price { cents: *cents, replaced: None });
    }
}

/// The first price of a product defines it.
async fn set_price(annals: &Annals, product: &str, cents: u64) {
    let product = product.to_owned();
    let pricing = annals.together(boundary::<Prices>(vec![product.clone()]), move |prices| {
        let (product, at) = (product.clone(), prices.now());
        prices.emit(in_stream("product", &product), ProductEvent::Priced { product, cents, at });
        Ok::<_, ()>(())
    });
    pricing.await.expect("any price is accepted");
}

#[derive(Debug, PartialEq)]
enum Refusal {
    EmptyCart,
    PriceNotValid { product: String },
}

/// Replies what is to be paid.
async fn order(annals: &Annals, cart: &[(&str, u64)]) -> Result<Executed<u64>, ExecuteError<Refusal>> {
    let items = cart.iter().map(|(product, cents)| Item { product: (*product).to_owned(), shown_cents: *cents });
    let items: Vec<_> = items.collect();
    if items.is_empty() {
        return Err(ExecuteError::Refused(Refusal::EmptyCart));
    }
    let products: Vec<_> = items.iter().map(|item| item.product.clone()).collect();
    let ordering = annals.together(boundary::<Prices>(products), move |prices| {
        let now = prices.now();
        if let Some(item) = items.iter().find(|item| !prices.is_valid(item, now)) {
            return Err(Refusal::PriceNotValid { product: item.product.clone() });
        }
        let number = prices.new_id();
        prices.emit(in_stream("order", number), OrderEvent::Placed { items: items.clone() });
        Ok(items.iter().map(|item| item.shown_cents).sum())
    });
    ordering.await
}

const MINUTE: i64 = 60;

/// G.66 to G.78: a price of 123 that was replaced by 134 so many minutes before the order, if at all; the price that was
/// shown; whether the order is placed.
pub(crate) async fn what_was_shown_is_what_is_paid_while_it_is_valid<H: Harness>() {
    let shop = Application::<H>::open().await;
    for (number, replaced, shown, is_placed) in [
        ("G.66, G.68, G.70, G.75", None, 100, false),
        ("G.67, G.69, G.72, G.77", None, 123, true),
        ("G.71, G.76", Some(20), 123, false),
        ("G.73, G.78", Some(9), 123, true),
        ("the last moment of the grace", Some(10), 123, true),
        ("G.74", Some(9), 134, true),
        ("at once", Some(0), 134, true),
        ("at once", Some(0), 123, true),
    ] {
        let product = format!("{replaced:?} {shown}");
        set_price(&shop, &product, 123).await;
        shop.clock.step((20 - replaced.unwrap_or(0)) * MINUTE);
        if let Some(minutes) = replaced {
            set_price(&shop, &product, 134).await;
            shop.clock.step(minutes * MINUTE);
        }
        let ordered = order(&shop, &[(&product, shown)]).await;
        match is_placed {
            true => assert_eq!(ordered.expect(number).reply, shown, "{number}"),
            false => assert_eq!(refusal(ordered), Refusal::PriceNotValid { product }, "{number}"),
        }
    }
}

/// G.79, and a price of the cart that is not valid any more.
pub(crate) async fn one_bad_price_refuses_the_cart<H: Harness>() {
    let shop = Application::<H>::open().await;
    assert_eq!(refusal(order(&shop, &[]).await), Refusal::EmptyCart);
    set_price(&shop, "p1", 123).await;
    shop.clock.step(11 * MINUTE);
    set_price(&shop, "p1", 134).await;
    shop.clock.step(MINUTE);
    set_price(&shop, "p2", 321).await;
    shop.clock.step(8 * MINUTE);
    let cart = [("p1", 123), ("p2", 321)];
    assert_eq!(order(&shop, &cart).await.expect("both are valid").reply, 444);
    shop.clock.step(2 * MINUTE);
    assert_eq!(refusal(order(&shop, &cart).await), Refusal::PriceNotValid { product: "p1".into() });
    assert_eq!(order(&shop, &[("p1", 134), ("p2", 321), ("p2", 321)]).await.expect("all are valid").reply, 776);
}
