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
    #[on(AccountEvent::Deposited { amount: 0, reason: Some(why) })]
    fn deposited(&self, why: &str) {
        let _ = why;
    }

    #[on(AccountEvent::Opened { owner: ref name @ _ })]
    fn opened(&self, name: &str) {
        let _ = name;
    }
}

fn follows<P: Projection>(_: P) {}

fn main() {
    follows(Balances);
}
