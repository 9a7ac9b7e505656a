use annals_core::shape::Schema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Money {
    cents: u64,
}

fn main() {
    let _ = Schema::of::<Money>();
}
