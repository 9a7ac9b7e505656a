//! The table at the end.

use std::fmt::Write;

use crate::{round::Figures, subject::Kind};

/// One subject with one number of writers.
pub(crate) struct Line {
    pub(crate) writers: usize,
    pub(crate) subject: Kind,
    pub(crate) rounds: Vec<Figures>,
}

impl Line {
    fn median(&self, figure: fn(&Figures) -> f64) -> f64 {
        let mut figures: Vec<_> = self.rounds.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn appends_per_second(&self) -> f64 {
        self.median(|figures| figures.appends_per_second)
    }
}

/// The medians as a table in Markdown, each with its ratio to the yardsticks at the same number of writers.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut table = "\
| writers | subject | appends/s | p50 us | p99 us | to growing | to preallocated | finish ms |
|--:|---|--:|--:|--:|--:|--:|--:|
"
    .to_owned();
    for line in lines {
        let ratio =
            |kind| ratio(line, lines.iter().find(|other| other.writers == line.writers && other.subject == kind));
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "| {} | {} | {:.0} | {:.0} | {:.0} | {} | {} | {:.0} |",
            line.writers,
            line.subject.label(),
            line.appends_per_second(),
            line.median(|figures| figures.median_us),
            line.median(|figures| figures.p99_us),
            ratio(Kind::Growing),
            ratio(Kind::Preallocated),
            line.median(|figures| figures.finish_ms),
        );
    }
    table
}

fn ratio(line: &Line, yardstick: Option<&Line>) -> String {
    yardstick.map_or_else(
        || "-".to_owned(),
        |yardstick| format!("{:.2}", line.appends_per_second() / yardstick.appends_per_second()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(writers: usize, subject: Kind, rates: [f64; 3]) -> Line {
        let figures =
            |appends_per_second| Figures { appends_per_second, median_us: 100.0, p99_us: 900.0, finish_ms: 0.0 };
        Line { writers, subject, rounds: rates.map(figures).to_vec() }
    }

    #[test]
    fn ratios_are_of_medians_at_the_same_number_of_writers() {
        let lines = [
            line(1, Kind::Growing, [300.0, 100.0, 200.0]),
            line(8, Kind::Growing, [1000.0; 3]),
            line(1, Kind::Memory, [50.0, 100.0, 900.0]),
        ];
        let table = table(&lines);
        let last = table.lines().last();
        assert_eq!(last, Some("| 1 | MemoryStore (not durable) | 100 | 100 | 900 | 0.50 | - | 0 |"));
    }
}
