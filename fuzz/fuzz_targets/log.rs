#![no_main]

#[path = "../../tests/tests/fuzz/targets/mod.rs"]
#[allow(dead_code, reason = "each program runs one target")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::log(bytes));
