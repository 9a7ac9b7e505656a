use annals_core::shape::Schema;
use annals_macros::Shape;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Shape)]
struct Money {
    #[shape(name = "Cents")]
    cents: u64,
}

fn main() {
    let _ = Schema::of::<Money>();
}
