//! Differences that can be read.

use std::fmt::{Debug, Write};

use similar::{ChangeTag, TextDiff};

/// Fails with the differing lines of both, as `{:#?}` writes them.
#[track_caller]
pub(super) fn check_equal<T: Debug + PartialEq + ?Sized>(what: &str, expected: &T, found: &T) {
    if expected != found {
        super::fail(&format!("{what} (- expected, + found):\n{}", difference(expected, found)));
    }
}

fn difference<T: Debug + ?Sized>(expected: &T, found: &T) -> String {
    let (expected, found) = (format!("{expected:#?}"), format!("{found:#?}"));
    let mut lines = String::new();
    for change in TextDiff::from_lines(&expected, &found).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        // Writing to a string cannot fail.
        let _ = writeln!(lines, "{sign} {}", change.value().trim_end_matches('\n'));
    }
    lines
}
