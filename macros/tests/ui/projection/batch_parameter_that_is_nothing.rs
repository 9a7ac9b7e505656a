use annals_macros::{Event, projection};
use annals_projections::{Delivered, EventContext, Projection};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64, reason: Option<String> },
    Closed,
}

struct Balances;

#[projection(name = "balances", ignore(AccountEvent::*))]
impl Balances {
    #[on(AccountEvent::Closed)]
    fn closed(&self) {}

    #[on_batch(max = 500)]
    fn all(&self, _events: Vec<Delivered<'_>>, _cx: &EventContext<'_>) {}
}

fn follows<P: Projection>(_: P) {}

fn main() {
    follows(Balances);
}
