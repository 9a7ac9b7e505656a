//! Comparisons that fail with their difference.

use std::fmt::Debug;

use crate::Difference;

/// Fails with the differing lines of both, as `{:#?}` writes them.
#[track_caller]
pub(super) fn check_equal<T: Debug + PartialEq + ?Sized>(what: &str, expected: &T, found: &T) {
    if expected != found {
        super::fail(&format!("{what} (- expected, + found):\n{}", shown(expected, found)));
    }
}

fn shown<T: Debug + ?Sized>(expected: &T, found: &T) -> String {
    let difference = Difference::between(expected, found);
    if difference.is_empty() {
        return format!("  they differ, but both are written as\n{found:#?}");
    }
    difference.to_string()
}
