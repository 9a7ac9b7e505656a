use annals_core::Command;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Withdraw {
    cents: u64,
}

fn keyed<C: Command>(_: C) {}

fn main() {
    keyed(Withdraw { cents: 1 });
}
