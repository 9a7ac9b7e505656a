//! One measurement of one subject.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Failure,
    load::Load,
    subject::{Kind, Subject},
};

/// What goes before, uncounted: files are warm, queues are full.
const WARM_UP: Duration = Duration::from_millis(500);

/// What was measured in one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) appends_per_second: f64,
    pub(crate) median_us: f64,
    pub(crate) p99_us: f64,
    /// How long it took to finish what went on behind the answers.
    pub(crate) finish_ms: f64,
}

/// Measures a new, empty `kind` below `folder`, and removes it.
pub(crate) async fn measure(kind: Kind, writers: usize, time: Duration, folder: &Path) -> Result<Figures, Failure> {
    let folder = tempfile::tempdir_in(folder)?;
    let path = folder.path().to_owned();
    let subject: Arc<dyn Subject> = tokio::task::spawn_blocking(move || kind.open(&path)).await??.into();

    let from = Instant::now() + WARM_UP;
    let mut tasks = JoinSet::new();
    for writer in 0..writers {
        let load = Load::of(writer, writers)?;
        tasks.spawn(write(Arc::clone(&subject), load, from, from + time));
    }
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    let finish = Instant::now();
    subject.finish().await;
    Ok(figures(latencies, time, finish.elapsed()))
}

/// Appends until the end; gives the latencies of the appends that were answered between `from` and `to`.
async fn write(subject: Arc<dyn Subject>, load: Load, from: Instant, to: Instant) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    for append in load {
        let start = Instant::now();
        subject.append(append).await?;
        let end = Instant::now();
        if end >= to {
            break;
        }
        if end >= from {
            latencies.push(end - start);
        }
    }
    Ok(latencies)
}

fn figures(mut latencies: Vec<Duration>, time: Duration, finish: Duration) -> Figures {
    latencies.sort_unstable();
    let percentile = |hundredths: usize| {
        let index = (latencies.len() * hundredths / 100).min(latencies.len().saturating_sub(1));
        latencies.get(index).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    };
    Figures {
        appends_per_second: latencies.len() as f64 / time.as_secs_f64(),
        median_us: percentile(50),
        p99_us: percentile(99),
        finish_ms: finish.as_secs_f64() * 1e3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_all_latencies() {
        let latencies = (1..=1000).rev().map(Duration::from_micros).collect();
        let found = figures(latencies, Duration::from_secs(2), Duration::from_millis(3));
        assert_eq!((found.appends_per_second, found.finish_ms), (500.0, 3.0));
        assert_eq!((found.median_us.round(), found.p99_us.round()), (501.0, 991.0));
    }

    #[test]
    fn no_appends_are_no_percentiles() {
        let found = figures(Vec::new(), Duration::from_secs(1), Duration::ZERO);
        assert!(found.median_us.is_nan() && found.appends_per_second == 0.0);
    }
}
