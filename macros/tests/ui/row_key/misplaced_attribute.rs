use annals_macros::RowKey;
use annals_projections::RowKey;

#[derive(RowKey)]
struct Level(#[row_key(name = "level")] u8);

fn is_key<K: RowKey>() {}

fn main() {
    is_key::<Level>();
}
