use annals_macros::Row;

#[derive(Clone, Copy, Row)]
#[row(table = "balances")]
union Balance {
    cents: u64,
    euros: u64,
}

fn main() {
    let _ = Balance { cents: 1 };
}
