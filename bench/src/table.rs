//! Tables in Markdown.

use std::fmt::{self, Display, Write};

use crate::figures::Rounds;

/// What a figure is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bar {
    RatioAtLeast(f64),
    RatioAtMost(f64),
    AtLeast(f64),
    AtMost(f64),
    /// Shown for orientation.
    None,
}

/// A figure beside its yardstick and its bar.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) unit: &'static str,
    pub(crate) figure: Rounds,
    /// Measured in the same rounds.
    pub(crate) yardstick: Option<(String, Rounds)>,
    pub(crate) bar: Bar,
}

impl Row {
    /// A figure that stands alone.
    pub(crate) fn alone(work: impl Into<String>, unit: &'static str, figure: impl Into<Rounds>, bar: Bar) -> Self {
        Self { work: work.into(), unit, figure: figure.into(), yardstick: None, bar }
    }

    /// The same beside a yardstick.
    pub(crate) fn beside(mut self, name: impl Into<String>, yardstick: impl Into<Rounds>) -> Self {
        self.yardstick = Some((name.into(), yardstick.into()));
        self
    }

    fn ratio(&self) -> f64 {
        self.yardstick.as_ref().map_or(f64::NAN, |(_, yardstick)| self.figure.ratios(yardstick).median())
    }

    /// Whether the bar is met, if there is one; a figure that is missing meets none.
    fn meets(&self) -> Option<bool> {
        match self.bar {
            Bar::RatioAtLeast(bar) => Some(self.ratio() >= bar),
            Bar::RatioAtMost(bar) => Some(self.ratio() <= bar),
            Bar::AtLeast(bar) => Some(self.figure.median() >= bar),
            Bar::AtMost(bar) => Some(self.figure.median() <= bar),
            Bar::None => None,
        }
    }
}

impl From<f64> for Rounds {
    fn from(figure: f64) -> Self {
        Self::from_iter([figure])
    }
}

impl Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RatioAtLeast(bar) => write!(f, "ratio >= {bar}"),
            Self::RatioAtMost(bar) => write!(f, "ratio <= {bar}"),
            Self::AtLeast(bar) => write!(f, ">= {}", number(*bar)),
            Self::AtMost(bar) => write!(f, "<= {}", number(*bar)),
            Self::None => f.write_str("-"),
        }
    }
}

/// All rows: work, figure, yardstick, ratio, bar, and whether it is met.
pub(crate) fn of_rows(rows: &[Row]) -> String {
    let headings = ["work", "figure", "unit", "yardstick", "its figure", "ratio", "bar", "met"];
    let cells = rows.iter().map(|row| {
        let (name, theirs) = match &row.yardstick {
            Some((name, figure)) => (name.clone(), number(figure.median())),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let met = row.meets().map_or("-", |met| if met { "yes" } else { "no" });
        let [figure, ratio] = [row.figure.median(), row.ratio()].map(number);
        [row.work.clone(), figure, row.unit.to_owned(), name, theirs, ratio, row.bar.to_string(), met.to_owned()]
    });
    markdown(&headings, cells)
}

/// A table of any cells; columns that hold numbers alone are aligned to the right.
pub(crate) fn markdown<const N: usize>(headings: &[&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    let aligned = (0..N).map(|column| {
        let mut cells = rows.iter().filter_map(|row| row.get(column)).filter(|cell| *cell != "-").peekable();
        let numbers = cells.peek().is_some() && cells.all(|cell| cell.parse::<f64>().is_ok());
        if numbers { "--:" } else { "---" }
    });
    let mut table = format!("| {} |\n|{}|\n", headings.join(" | "), aligned.collect::<Vec<_>>().join("|"));
    for row in &rows {
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {} |", row.join(" | "));
    }
    table
}

/// With as many decimals as say something.
pub(crate) fn number(figure: f64) -> String {
    match figure.abs() {
        _ if figure.is_nan() => "-".to_owned(),
        size if size >= 100.0 || size == 0.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 0.1 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figures: [f64; 3], yardstick: [f64; 3], bar: Bar) -> Row {
        Row::alone("reads", "us", Rounds::from_iter(figures), bar).beside("log", Rounds::from_iter(yardstick))
    }

    #[test]
    fn a_row_shows_medians_and_whether_its_bar_is_met() {
        let rows = [
            row([60.0, 100.0, 900.0], [300.0, 100.0, 200.0], Bar::RatioAtLeast(0.9)),
            row([12.0, 11.0, 13.0], [1.0; 3], Bar::AtMost(8.0)),
            Row::alone("open", "s", 0.15, Bar::None),
        ];
        let table = of_rows(&rows);
        let lines: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(lines[0], "| reads | 100 | us | log | 200 | 1.00 | ratio >= 0.9 | yes |");
        assert_eq!(lines[1], "| reads | 12.0 | us | log | 1.00 | 12.0 | <= 8.00 | no |");
        assert_eq!(lines[2], "| open | 0.15 | s | - | - | - | - | - |");
    }

    #[test]
    fn a_missing_figure_meets_no_bar() {
        for bar in [Bar::RatioAtLeast(0.0), Bar::RatioAtMost(9.0), Bar::AtLeast(0.0), Bar::AtMost(9.0)] {
            assert_eq!(Row::alone("reads", "us", f64::NAN, bar).meets(), Some(false));
        }
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let table =
            markdown(&["what", "how many"], [["a".to_owned(), "1".to_owned()], ["b".to_owned(), "-".to_owned()]]);
        assert_eq!(table.lines().nth(1), Some("|---|--:|"));
    }
}
