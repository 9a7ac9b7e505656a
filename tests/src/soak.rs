//! How large the random tests are: small on every push, as large as an environment variable says in a soak.

/// The number that the environment variable `name` holds, such as `ANNALS_SOAK_OPERATIONS`; without it `small`.
#[must_use]
pub fn size(name: &str, small: u64) -> u64 {
    match std::env::var(name) {
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{name} is {number:?}, which is no number")),
        Err(_) => small,
    }
}

/// The seed of a random test: what `ANNALS_SEED` says, or a new one. It is printed, so that a failure can be repeated.
#[must_use]
pub fn seed(test: &str) -> u64 {
    let seed = size("ANNALS_SEED", uuid::Uuid::new_v4().as_u64_pair().0);
    tell(&format!("{test}: repeat it with ANNALS_SEED={seed}"));
    seed
}

/// What a test reached, in one line for `cargo xtask soak`: `soak: kills=300 lost=0`.
pub fn report(reached: &str) {
    tell(&format!("soak: {reached}"));
}

#[allow(clippy::print_stdout, reason = "the output of a test")]
fn tell(text: &str) {
    println!("{text}");
}
