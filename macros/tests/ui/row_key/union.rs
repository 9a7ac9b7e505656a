use annals_macros::RowKey;
use annals_projections::RowKey;

#[derive(RowKey)]
union Level {
    low: u8,
    high: u8,
}

fn is_key<K: RowKey>() {}

fn main() {
    is_key::<Level>();
}
