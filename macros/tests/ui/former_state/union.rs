use annals_macros::FormerState;

#[derive(FormerState)]
union AccountV1 {
    open: bool,
}

fn main() {}
