//! A form that is submitted twice: by a token that the page made, the second order is refused. An idempotency key does more:
//! who sends the same again is told what he was told the first time.

use annals::{Boundary, BoundaryDecision, ExecuteError, Executed, Selection, boundary, in_stream, kinds, prelude::*};
use annals_conformance::Harness;
use serde::{Deserialize, Serialize};

use super::application::{Application, at_once, refusal};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "order")]
enum OrderEvent {
    Placed {
        order: String,
        #[tag]
        token: String,
    },
}

/// Whether a token was used.
#[derive(Default, Clone)]
struct Token {
    is_used: bool,
}

impl Boundary for Token {
    type Id = String;
    fn select(token: &String) -> Selection<Self> {
        Selection::of(kinds![OrderEvent::Placed]).tag("token", token)
    }
}

impl Evolve<OrderEvent> for Token {
    fn evolve(&mut self, OrderEvent::Placed { .. }: &OrderEvent) {
        self.is_used = true;
    }
}

#[derive(Debug, PartialEq)]
struct Resubmission;

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct PlaceOrder {
    order: String,
    token: String,
}

impl PlaceOrder {
    fn new(order: &str, token: &str) -> Self {
        Self { order: order.into(), token: token.into() }
    }

    /// Replies with the order's number.
    fn decide(&self, token: &mut BoundaryDecision<Token>) -> Result<String, Resubmission> {
        if token.is_used {
            return Err(Resubmission);
        }
        let Self { order, token: text } = self.clone();
        token.emit(in_stream("order", &order), OrderEvent::Placed { order, token: text });
        Ok(self.order.clone())
    }
}

async fn place(annals: Annals, command: PlaceOrder) -> Result<Executed<String>, ExecuteError<Resubmission>> {
    annals.together(boundary::<Token>(command.token.clone()), move |token| command.decide(token)).await
}

/// G.64, G.65; also when it is clicked often.
pub(crate) async fn a_token_orders_once<H: Harness>() {
    let shop = Application::<H>::open().await;
    place(shop.clone(), PlaceOrder::new("o12345", "11111")).await.expect("the token is new");
    assert_eq!(refusal(place(shop.clone(), PlaceOrder::new("o54321", "11111")).await), Resubmission);
    place(shop.clone(), PlaceOrder::new("o54321", "22222")).await.expect("the token is new");
    let (placed, refused) = at_once(|click| place(shop.clone(), PlaceOrder::new(&format!("o{click}"), "33333"))).await;
    assert_eq!((placed.len(), refused.len()), (1, 15));
}

/// G.30: the same request under the same key, whose condition no longer holds, gets the first answer, and nothing is
/// written again; another request under it is an error.
pub(crate) async fn a_key_gives_the_first_answer<H: Harness>() {
    let shop = Application::<H>::open().await;
    let submit = async |order: &str, token: &str| {
        let command = PlaceOrder::new(order, token);
        let deciding = command.clone();
        let placing = shop.together(boundary::<Token>(token), move |token| deciding.decide(token));
        placing.idempotency_key("form-1", &command).await
    };
    let first = submit("o1", "11111").await.expect("it is new");
    let again = submit("o1", "11111").await.expect("it is a repetition");
    assert!(again.receipt.repeated && !first.receipt.repeated);
    assert_eq!((&again.reply, again.receipt.positions), (&first.reply, first.receipt.positions));
    for (order, token) in [("o2", "11111"), ("o1", "22222")] {
        assert!(matches!(submit(order, token).await, Err(ExecuteError::KeyReused { .. })));
    }
}

/// G.32 is otherwise here: to decide that nothing happens is no error.
pub(crate) async fn a_decision_that_emits_nothing_writes_nothing<H: Harness>() {
    let shop = Application::<H>::open().await;
    place(shop.clone(), PlaceOrder::new("o1", "11111")).await.expect("the token is new");
    let looking = shop.together(boundary::<Token>("11111"), |token| Ok::<_, ()>(token.is_used));
    let looked = looking.await.expect("to look is allowed");
    assert!(looked.reply);
    assert_eq!((looked.receipt.positions, looked.receipt.commit.get()), (None, 1));
}
