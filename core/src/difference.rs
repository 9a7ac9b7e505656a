//! Differences that can be read.

use std::fmt::{self, Debug, Write};

use similar::{ChangeTag, TextDiff};

/// So many lines are shown around each that differs.
const LINES_AROUND: usize = 3;

/// What differs between two values, line by line, as `{:#?}` writes them: lines that went begin with `-`, lines that came
/// with `+`, those around them with a space, and `..` stands for the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Difference(String);

impl Difference {
    /// The difference between two values.
    #[must_use]
    pub fn between<T: Debug + ?Sized>(before: &T, after: &T) -> Self {
        Self::of_lines(&format!("{before:#?}"), &format!("{after:#?}"))
    }

    /// The difference between two texts.
    pub(crate) fn of_lines(before: &str, after: &str) -> Self {
        let texts = TextDiff::from_lines(before, after);
        let mut lines = String::new();
        let mut shown = 0;
        for group in texts.grouped_ops(LINES_AROUND) {
            let begin = group.first().map_or(0, |op| op.old_range().start);
            write_rest(&mut lines, shown, begin);
            for change in group.iter().flat_map(|op| texts.iter_changes(op)) {
                let sign = match change.tag() {
                    ChangeTag::Equal => ' ',
                    ChangeTag::Delete => '-',
                    ChangeTag::Insert => '+',
                };
                // Writing to a string cannot fail.
                let _ = writeln!(lines, "{sign} {}", change.value().trim_end_matches(['\n', '\r']));
            }
            shown = group.last().map_or(shown, |op| op.old_range().end);
        }
        if !lines.is_empty() {
            write_rest(&mut lines, shown, texts.old_slices().len());
        }
        Self(lines)
    }

    /// Whether the two are written alike.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn write_rest(lines: &mut String, shown: usize, next: usize) {
    if next > shown {
        lines.push_str("  ..\n");
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_and_what_is_around_it_is_shown() {
        let before: Vec<u32> = (0..30).collect();
        let mut after = before.clone();
        after[10] = 100;
        after.remove(20);
        let shown = Difference::between(&before, &after).to_string();
        let expected = [
            "  ..",
            "      7,",
            "      8,",
            "      9,",
            "-     10,",
            "+     100,",
            "      11,",
            "      12,",
            "      13,",
            "  ..",
            "      17,",
            "      18,",
            "      19,",
            "-     20,",
            "      21,",
            "      22,",
            "      23,",
            "  ..",
        ];
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn equal_values_have_no_difference() {
        assert!(Difference::between(&[1, 2], &[1, 2]).is_empty());
        assert!(!Difference::between("a", "b").is_empty());
    }
}
