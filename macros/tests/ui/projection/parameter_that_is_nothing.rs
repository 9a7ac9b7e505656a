use annals_macros::{Event, projection};
use annals_projections::{EventContext, Projection};
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
    #[on(AccountEvent::Deposited { amount, .. })]
    fn deposited(&self, amount: &u64, owner: &str, cx: EventContext<'_>) {
        let _ = (amount, owner, cx);
    }

    #[on(AccountEvent::Closed)]
    fn closed(&self, at: u64) {
        let _ = at;
    }
}

fn follows<P: Projection>(_: P) {}

fn main() {
    follows(Balances);
}
