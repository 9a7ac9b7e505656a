use annals_core::{Decision, Evolve, Handle};
use annals_macros::{Aggregate, Command, Event, saga};
use annals_sagas::{Saga, Step};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "order")]
enum OrderEvent {
    Placed { units: u64, customer: Option<String> },
    Paid { order: String },
    Closed,
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "payment")]
enum PaymentEvent {
    Charged,
}

#[derive(Default, Clone, Aggregate)]
#[aggregate(name = "payment", event = PaymentEvent)]
struct Payment;

impl Evolve<PaymentEvent> for Payment {
    fn evolve(&mut self, _: &PaymentEvent) {}
}

#[derive(Clone, Serialize, Deserialize, Command)]
struct Charge;

impl Handle<Charge> for Payment {
    type Reply = ();
    type Error = String;
    fn handle(_: &mut Decision<Self>, _: Charge) -> Result<(), String> {
        Ok(())
    }
}

#[derive(Default, Clone, Serialize, Deserialize)]
struct Fulfilment;

#[saga(name = "fulfilment", sends(Payment: prepared Charge), ignore(OrderEvent::*))]
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
