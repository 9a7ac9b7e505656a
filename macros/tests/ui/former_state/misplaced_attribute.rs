use annals_core::FormerState as _;
use annals_macros::FormerState;
use serde::Deserialize;

#[derive(Deserialize, FormerState)]
struct AccountV1 {
    #[former_state(crate = annals_core)]
    open: bool,
}

fn main() {
    let _ = AccountV1::SHAPE;
}
