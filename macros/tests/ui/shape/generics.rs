use annals_core::shape::Schema;
use annals_macros::Shape;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Shape)]
struct Wrapped<T> {
    inside: T,
}

#[derive(Serialize, Deserialize, Shape)]
struct Money {
    wrapped: Wrapped<u8>,
}

fn main() {
    let _ = Schema::of::<Money>();
}
