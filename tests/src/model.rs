//! x
/// x
pub fn check<H: crate::Harness>() {}
