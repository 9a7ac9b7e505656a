use annals_macros::Row;
use annals_projections::Row;

#[derive(Clone, Row)]
#[row(table = "balances")]
struct Balance {
    #[row(key)]
    account: String,
}

fn keeps<R: Row>() {}

fn main() {
    keeps::<Balance>();
}
