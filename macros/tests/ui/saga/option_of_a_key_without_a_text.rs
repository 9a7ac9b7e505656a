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
    #[on(OrderEvent::Placed { customer, .. }, starts, key = customer.as_ref().map(String::as_bytes))]
    fn placed(&mut self) {}
}

fn runs<S: Saga>() {}

fn main() {
    runs::<Fulfilment>();
}
