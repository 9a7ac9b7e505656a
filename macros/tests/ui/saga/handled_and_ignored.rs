use annals_macros::{Event, saga};
use annals_sagas::{Saga, Step};
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

#[saga(name = "fulfilment", ignore(OrderEvent::Placed, OrderEvent::Paid, OrderEvent::Closed))]
impl Fulfilment {
    #[on(OrderEvent::Placed { .. }, starts)]
    fn placed(&mut self, step: &mut Step<'_, Self>) {
        step.complete();
    }
}

fn runs<S: Saga>() {}

fn main() {
    runs::<Fulfilment>();
}
