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
    #[on(OrderEvent::Placed { unit, .. }, starts)]
    fn placed(&mut self, unit: &u64) {
        let _ = unit;
    }
}

fn runs<S: Saga>() {}

fn main() {
    runs::<Fulfilment>();
}
