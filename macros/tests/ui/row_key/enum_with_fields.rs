use annals_macros::RowKey;
use annals_projections::RowKey;

#[derive(RowKey)]
enum Level {
    Low,
    Height(u8),
    Between { from: u8, to: u8 },
}

fn is_key<K: RowKey>() {}

fn main() {
    is_key::<Level>();
}
