use annals_macros::{Event, projection};
use annals_projections::{Delivered, Projection};
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

    #[on_batch(max = 0)]
    fn all(&self, _events: &[Delivered<'_>]) {}
}

fn follows<P: Projection>(_: P) {}

fn main() {
    follows(Balances);
}
