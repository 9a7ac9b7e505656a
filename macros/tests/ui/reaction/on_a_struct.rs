use annals_macros::reaction;

#[reaction(name = "greets")]
struct Greets;

fn main() {
    let _ = Greets;
}
