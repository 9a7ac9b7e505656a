use annals_macros::FormerState;

#[derive(FormerState)]
struct AccountV1<T> {
    open: T,
}

fn main() {}
