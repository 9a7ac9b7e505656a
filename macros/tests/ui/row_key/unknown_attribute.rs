use annals_macros::RowKey;
use annals_projections::RowKey;

#[derive(RowKey)]
#[row_key(name = "level")]
struct Level(u8);

fn is_key<K: RowKey>() {}

fn main() {
    is_key::<Level>();
}
