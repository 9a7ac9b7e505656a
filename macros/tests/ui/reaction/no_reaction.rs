use annals_sagas::Reaction;

struct Greets;

fn runs<R: Reaction>() {}

fn main() {
    runs::<Greets>();
}
