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

trait Places {
    fn placed(&mut self);
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Fulfilment;

#[saga(name = "fulfilment", ignore(OrderEvent::*))]
impl Places for Fulfilment {
    #[on(OrderEvent::Placed { .. }, starts)]
    fn placed(&mut self) {}
}

fn runs<S: Saga>() {}

fn main() {
    runs::<Fulfilment>();
}
