//! A saga of five steps: a race whose legs are run by one runner after the other; and one that only sleeps.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use annals::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// How many commands an instance sends.
pub(super) const LEGS: u32 = 5;

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "race")]
pub(super) enum RaceEvent {
    Started,
    /// Somebody lies down until this time, in microseconds.
    Slept {
        until: i64,
    },
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "race", event = RaceEvent)]
pub(super) struct Race;

impl Evolve<RaceEvent> for Race {
    fn evolve(&mut self, _: &RaceEvent) {}
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(prefix = "runner")]
pub(super) enum RunnerEvent {
    Ran { race: String, leg: u32 },
    Woke { race: String },
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "runner", event = RunnerEvent)]
pub(super) struct Runner;

impl Evolve<RunnerEvent> for Runner {
    fn evolve(&mut self, _: &RunnerEvent) {}
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(super) struct Start;

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(super) struct Sleep {
    pub(super) until: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(super) struct Run {
    race: String,
    leg: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(super) struct Wake {
    race: String,
}

impl Handle<Start> for Race {
    type Reply = ();
    type Error = String;
    fn handle(race: &mut Decision<Self>, _: Start) -> Result<(), String> {
        race.emit(RaceEvent::Started);
        Ok(())
    }
}

impl Handle<Sleep> for Race {
    type Reply = ();
    type Error = String;
    fn handle(race: &mut Decision<Self>, sleep: Sleep) -> Result<(), String> {
        race.emit(RaceEvent::Slept { until: sleep.until });
        Ok(())
    }
}

impl Handle<Run> for Runner {
    type Reply = ();
    type Error = String;
    fn handle(runner: &mut Decision<Self>, Run { race, leg }: Run) -> Result<(), String> {
        runner.emit(RunnerEvent::Ran { race, leg });
        Ok(())
    }
}

impl Handle<Wake> for Runner {
    type Reply = ();
    type Error = String;
    fn handle(runner: &mut Decision<Self>, Wake { race }: Wake) -> Result<(), String> {
        runner.emit(RunnerEvent::Woke { race });
        Ok(())
    }
}

/// Lets one runner run after the other.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Relay;

#[saga(name = "relay", sends(Runner: Run), ignore(RaceEvent::Slept, RunnerEvent::Woke))]
impl Relay {
    #[on(RaceEvent::Started, starts)]
    fn started(&mut self, step: &mut Step<'_, Self>) {
        next(1, step);
    }

    #[on(RunnerEvent::Ran { race, leg }, key = race)]
    fn ran(&mut self, leg: &u32, step: &mut Step<'_, Self>) {
        match *leg {
            LEGS => {
                step.complete();
                Waiting::tell(step.key());
            }
            leg => next(leg + 1, step),
        }
    }
}

/// Who waits for instances to end, by their keys.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<String, Arc<Notify>>>);

static WAITING: LazyLock<Waiting> = LazyLock::new(Waiting::default);

impl Waiting {
    /// Is told when the last step of an instance is decided: it is not stored yet then.
    pub(super) fn for_last_step(key: &str) -> Arc<Notify> {
        let told = Arc::new(Notify::new());
        WAITING.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), Arc::clone(&told));
        told
    }

    fn tell(key: &str) {
        let told = WAITING.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        if let Some(told) = told {
            told.notify_one();
        }
    }
}

fn next(leg: u32, step: &mut Step<'_, Relay>) {
    let race = step.key().to_owned();
    step.send::<Runner, _>(format!("{race}-{leg}"), Run { race, leg });
}

/// Sleeps, then wakes a runner.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(super) struct Sleeper;

#[saga(name = "sleeper", sends(Runner: Wake), ignore(RaceEvent::Started))]
impl Sleeper {
    #[on(RaceEvent::Slept { until }, starts)]
    fn slept(&mut self, until: &i64, step: &mut Step<'_, Self>) {
        let until = Timestamp::from_micros(*until).unwrap_or(Timestamp::EPOCH);
        step.schedule_at("wake", until);
    }

    #[timeout("wake")]
    fn wake(&mut self, step: &mut Step<'_, Self>) {
        let race = step.key().to_owned();
        step.send::<Runner, _>(race.as_str(), Wake { race: race.clone() });
        step.complete();
    }
}

/// So long others sleep, while it is measured how late some are woken.
pub(super) const LONG: Duration = Duration::from_secs(86_400);
