use annals_macros::RowKey;
use annals_projections::RowKey;

#[derive(RowKey)]
struct Level(f64);

fn is_key<K: RowKey>() {}

fn main() {
    is_key::<Level>();
}
