use annals_macros::{Event, saga};
use annals_sagas::{Saga};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "order")]
enum OrderEvent {
    Placed { units: u64, customer: Option<String> },
    Paid { order: String },
    Closed,
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Fulfilment;

#[saga(name = "fulfilment", ignore(OrderEvent::*))]
impl Fulfilment {
    #[on(OrderEvent::Placed { units, .. }, starts)]
    fn placed(&mut self, units: &u64, amount: &u64) {
        let _ = (units, amount);
    }
}

fn runs<S: Saga>() {}

fn main() {
    runs::<Fulfilment>();
}
