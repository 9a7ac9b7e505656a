use annals_core::shape::Schema;
use annals_macros::Shape;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Shape)]
enum Money {
    Cents(u64),
    #[serde(skip_deserializing)]
    Euros(u64),
}

fn main() {
    let _ = Schema::of::<Money>();
}
