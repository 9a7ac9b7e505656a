//! Taking over what another bank recorded: with the sample of this repository, and with the real file where
//! `ANNALS_DATA` names the folder that holds it.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::indexing_slicing, reason = "a test may fail, and speaks")]

mod classify;
mod kill;
mod read_models;

use std::path::{Path, PathBuf};

/// The folder of the sample.
fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// The folder of the real file, in `ANNALS_DATA` or in `berka` below it.
fn real() -> Option<PathBuf> {
    let data = PathBuf::from(std::env::var_os("ANNALS_DATA").filter(|data| !data.is_empty())?);
    let below = data.join("berka");
    Some(if below.is_dir() { below } else { data })
}

/// The folder of the real file, else of the sample; says which.
fn real_or_sample() -> PathBuf {
    real().unwrap_or_else(|| {
        println!("ANNALS_DATA is not set: the sample stands in for the real file");
        sample()
    })
}
