//! Several writers at once, for a while.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Failure,
    figures::Latencies,
    load::{Load, Streams},
    subject::Subject,
};

/// What goes before, uncounted: files are warm, queues are full.
pub(crate) const WARM_UP: Duration = Duration::from_millis(500);

/// The time in which what is answered counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
}

impl Window {
    /// After a warm-up from now.
    pub(crate) fn of(time: Duration) -> Self {
        let from = Instant::now() + WARM_UP;
        Self { from, to: from + time }
    }
}

/// What was measured in one round.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) appends_per_second: f64,
    pub(crate) median_us: f64,
    pub(crate) p99_us: f64,
}

impl Figures {
    pub(crate) fn of(latencies: &Latencies, time: Duration) -> Self {
        Self {
            appends_per_second: latencies.count() as f64 / time.as_secs_f64(),
            median_us: latencies.percentile_us(50),
            p99_us: latencies.percentile_us(99),
        }
    }
}

/// Lets `writers` tasks append events of one commit each. `round` names their streams.
pub(crate) async fn append(
    subject: &Arc<dyn Subject>,
    streams: Streams,
    round: u64,
    writers: usize,
    time: Duration,
) -> Result<Figures, Failure> {
    let loads = (0..writers).map(|writer| Load::of(streams, round, writer, writers)).collect::<Result<Vec<_>, _>>()?;
    let window = Window::of(time);
    let mut tasks = JoinSet::new();
    for mut load in loads {
        let subject = Arc::clone(subject);
        tasks.spawn(repeat(window, async move || match load.next() {
            Some(append) => subject.append(vec![append]).await,
            None => Err("the load has an end".into()),
        }));
    }
    Ok(Figures::of(&join(tasks).await?, time))
}

/// All latencies of all tasks.
pub(crate) async fn join(mut tasks: JoinSet<Result<Vec<Duration>, Failure>>) -> Result<Latencies, Failure> {
    let mut latencies = Vec::new();
    while let Some(task) = tasks.join_next().await {
        latencies.extend(task??);
    }
    Ok(Latencies::of(latencies))
}

/// Does `work` until the end of `window`; gives how long each took that ended within it.
pub(crate) async fn repeat(
    window: Window,
    mut work: impl AsyncFnMut() -> Result<(), Failure>,
) -> Result<Vec<Duration>, Failure> {
    let mut latencies = Vec::new();
    loop {
        let start = Instant::now();
        work().await?;
        let end = Instant::now();
        if end >= window.to {
            return Ok(latencies);
        }
        if end >= window.from {
            latencies.push(end - start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_measured_time() {
        let latencies = Latencies::of((1..=1000).map(Duration::from_micros).collect());
        let figures = Figures::of(&latencies, Duration::from_secs(2));
        assert_eq!(figures.appends_per_second, 500.0);
    }

    #[tokio::test]
    async fn only_what_ends_within_the_window_counts() {
        let now = Instant::now();
        let window = Window { from: now, to: now + Duration::from_millis(20) };
        let mut calls = 0_usize;
        let latencies = repeat(window, async || {
            calls += 1;
            Ok(())
        });
        let latencies = latencies.await.unwrap();
        assert_eq!(latencies.len(), calls - 1);
    }
}
