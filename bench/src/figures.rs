//! Percentiles, medians and ratios.

use std::time::Duration;

/// Latencies, of which percentiles are taken.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn of(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self(latencies)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// In microseconds; no number if there are no latencies.
    pub(crate) fn percentile_us(&self, hundredths: usize) -> f64 {
        let index = (self.0.len() * hundredths / 100).min(self.0.len().saturating_sub(1));
        self.0.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// The same figure, measured once a round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<f64>);

impl Rounds {
    pub(crate) fn push(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The last one when their number is even: nothing is shown that was not measured.
    pub(crate) fn median(&self) -> f64 {
        let mut figures = self.0.clone();
        figures.sort_unstable_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The ratios round by round: what slows the whole machine for a while hits both sides of a ratio.
    pub(crate) fn ratios(&self, yardstick: &Self) -> Self {
        self.0.iter().zip(&yardstick.0).map(|(own, other)| own / other).collect()
    }
}

impl FromIterator<f64> for Rounds {
    fn from_iter<T: IntoIterator<Item = f64>>(figures: T) -> Self {
        Self(figures.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_all_latencies() {
        let latencies = Latencies::of((1..=1000).rev().map(Duration::from_micros).collect());
        assert_eq!(latencies.count(), 1000);
        assert_eq!((latencies.percentile_us(50).round(), latencies.percentile_us(99).round()), (501.0, 991.0));
        assert_eq!(latencies.percentile_us(100).round(), 1000.0);
        assert!(Latencies::default().percentile_us(50).is_nan());
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let own = Rounds::from_iter([60.0, 100.0, 900.0]);
        let yardstick = Rounds::from_iter([300.0, 100.0, 200.0]);
        assert_eq!(own.median(), 100.0);
        assert_eq!(own.ratios(&yardstick).median(), 1.0, "the medians' ratio would be 0.5");
        assert!(Rounds::default().median().is_nan());
    }
}
