use annals_core::shape::Schema;
use annals_macros::Shape;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Shape)]
#[serde(rename_all(serialize = "UPPERCASE"))]
struct Money {
    #[serde(rename(serialize = "in_cents", deserialize = "cents"))]
    cents: u64,
}

#[derive(Serialize, Deserialize, Shape)]
struct Price {
    #[serde(rename(serialize = "in_cents", deserialize = "cents"))]
    cents: u64,
    #[serde(rename(serialize = "name", deserialize = "name"))]
    fine: u64,
}

fn main() {
    let _ = Schema::of::<Money>();
}
