use annals_macros::saga;

#[saga(name = "fulfilment")]
struct Fulfilment;

fn main() {
    let _ = Fulfilment;
}
