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

#[projection(name = "balances", ignore(AccountEvent::*))]
impl Balances {
    #[on(AccountEvent::Deposited { amont, .. })]
    fn deposited(&self, amont: &u64) {
        let _ = amont;
    }
}

fn follows<P: Projection>(_: P) {}

fn main() {
    follows(Balances);
}
