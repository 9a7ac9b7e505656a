use annals_core::shape::Schema;
use annals_macros::Shape;

#[derive(Shape)]
union Money {
    cents: u64,
    euros: u64,
}

fn main() {
    let _ = Schema::of::<Money>();
}
