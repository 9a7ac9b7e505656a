use annals_core::shape::Schema;
use annals_macros::Shape;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Shape)]
#[shape(name = "")]
struct Money {
    cents: u64,
}

fn main() {
    let _ = Schema::of::<Money>();
}
