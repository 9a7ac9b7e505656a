use annals_macros::{Event, projection};
use annals_projections::Projection;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened { owner: String },
    Deposited { amount: u64, reason: Option<String> },
    Closed,
}

struct Balances;

#[projection(name = "balances", verison = 2, ignore(AccountEvent::*))]
impl Balances {
    #[on(AccountEvent::Deposited { amount, .. })]
    fn deposited(&self, amount: &u64) {
        let _ = amount;
    }
}

fn follows<P: Projection>(_: P) {}

fn main() {
    follows(Balances);
}
