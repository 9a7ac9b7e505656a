//! Tests of sagas. With feature `testing`.
//!
//! [`SagaTest`]: given these events, when that happens, then these commands are sent; time passes when the test says so.
//! [`crashes`]: whatever commit the process dies at, the end is the same.

mod crashes;
mod mortal;
mod sent;

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use annals_core::{
    Aggregate, Command, FixedClock, Handle, JointCommand, Limits, MemoryStore, Prepare, ReadLog, Record, RecordParts,
    Store, Timestamp, codec::EncodeError, decode_record, testing::commit_of,
};
use annals_projections::{EventContext, Incoming};
use futures::{FutureExt, TryStreamExt};

use crate::{
    InstanceStatus, Reception, Refusal, Saga,
    commands::Refused,
    machine::{Decided, Given, Machine, MachineOf, StoredState, open},
    step::{About, TimerChange},
    stored::StoredCommand,
};

pub use crashes::{Crashes, crashes};
pub use mortal::Mortal;
pub use sent::{Sent, sent, sent_joint};

/// One instance of a saga, without a store and without aggregates. What happens is said event by event; commands are not sent
/// anywhere, and count as taken unless the test says that one was [refused](Self::refused).
///
/// ```
/// use std::time::Duration;
/// use annals_core::{Aggregate, Decision, Evolve, Handle};
/// use annals_projections::{BoxError, EventContext, Incoming, Subscription};
/// use annals_sagas::{Commands, Reception, Saga, SendsTo, Step, testing::{SagaTest, sent}};
#[doc = include_str!("doc/greeting.txt")]
/// # impl PartialEq for Greet { fn eq(&self, other: &Self) -> bool { self.name == other.name } }
/// /// Greets a day after somebody joined.
/// #[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
/// struct Welcome { name: String }
///
/// # impl SendsTo<Letterbox, Greet> for Welcome {}
/// # impl Saga for Welcome {
/// #     const NAME: &'static str = "welcome";
/// #     const VERSION: u32 = 1;
/// #     fn subscription() -> Subscription { Subscription::new().variants::<MemberEvent>(&["Joined"]) }
/// #     fn commands() -> Commands { Commands::new().with::<Letterbox, Greet>() }
/// #     fn receive(_: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
/// #         Ok(Some(Reception::starts(cx.key())))
/// #     }
/// #     fn handle(&mut self, event: Incoming<'_>, _: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
/// #         if let Some(MemberEvent::Joined { name }) = event.get() { self.name = name.clone(); }
/// #         step.schedule("greet", Duration::from_secs(86_400));
/// #         Ok(())
/// #     }
/// #     fn timeout(&mut self, _: &str, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
/// #         step.send::<Letterbox, _>(step.key().to_owned(), Greet { name: self.name.clone() });
/// #         step.complete();
/// #         Ok(())
/// #     }
/// # }
/// # #[derive(Default, Clone)]
/// # struct Member;
/// # impl Evolve<MemberEvent> for Member { fn evolve(&mut self, _: &MemberEvent) {} }
/// # impl Aggregate for Member { const NAME: &'static str = "member"; type Id = String; type Event = MemberEvent; }
/// let day = Duration::from_secs(86_400);
/// SagaTest::<Welcome>::new()
///     .when::<Member>("ada", MemberEvent::Joined { name: "Ada".into() })
///     .then_sends([])
///     .then_timer("greet", day)
///     .then_state(Welcome { name: "Ada".into() })
///     .advance(day)
///     .then_sends([sent::<Letterbox, _>("ada", Greet { name: "Ada".into() })])
///     .then_completed();
/// ```
pub struct SagaTest<S> {
    saga: MachineOf<S>,
    store: MemoryStore,
    now: Timestamp,
    instance: Option<Instance>,
    /// What the latest `when`, `refused` or `advance` led to.
    latest: Latest,
}

struct Instance {
    key: String,
    state: StoredState,
    steps: u64,
    status: InstanceStatus,
    timers: BTreeMap<String, Timestamp>,
    /// What may have to be undone, in order, with the command that undoes it.
    performed: Vec<(StoredCommand, Option<StoredCommand>)>,
}

#[derive(Default)]
struct Latest {
    sent: Vec<StoredCommand>,
    set: Vec<(String, Timestamp)>,
}

impl<S: Saga> Default for SagaTest<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Saga> SagaTest<S> {
    /// No instance yet. It is 1970-01-01T00:00:00Z.
    pub fn new() -> Self {
        let store = MemoryStore::with(Limits::default(), Arc::new(FixedClock(Timestamp::EPOCH)));
        Self { saga: MachineOf::new(), store, now: Timestamp::EPOCH, instance: None, latest: Latest::default() }
    }

    /// The test begins at this time.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// These events of the aggregate `id` happened before; what they led to is of no interest.
    ///
    /// # Panics
    /// When the saga fails.
    #[track_caller]
    pub fn given<A: Aggregate>(mut self, id: impl Into<A::Id>, events: impl IntoIterator<Item = A::Event>) -> Self {
        let id = id.into();
        for event in events {
            self = self.when::<A>(id.clone(), event);
        }
        self.latest = Latest::default();
        self
    }

    /// This event of the aggregate `id` happens.
    ///
    /// # Panics
    /// When it is for another instance than the one before, is not expected, or the saga fails.
    #[track_caller]
    pub fn when<A: Aggregate>(mut self, id: impl Into<A::Id>, event: A::Event) -> Self {
        self.latest = Latest::default();
        let record = self.record::<A>(id.into(), event);
        let decoded = match decode_record::<A::Event>(&record) {
            Ok(decoded) => decoded,
            Err(error) => fail(&format!("the event does not survive its encoding: {error}")),
        };
        for (index, event) in decoded.as_slice().iter().enumerate() {
            let context = EventContext::new(&record, index);
            let reception = match self.saga.receive(Incoming::of(event), &context) {
                Ok(Some(reception)) => reception,
                Ok(None) => fail("the event is for no instance"),
                Err(error) => fail(&format!("it cannot be told which instance the event is for: {error}")),
            };
            self.meet(&reception);
            self.step(&reception.key, &Given::Event(Incoming::of(event), context));
        }
        self
    }

    /// The aggregate `id` refuses a command that the saga has sent.
    ///
    /// # Panics
    /// When there is no instance, or the saga fails.
    #[track_caller]
    pub fn refused<A, C>(self, id: impl Into<A::Id>, command: C, error: A::Error) -> Self
    where
        A: Handle<C>,
        C: Command,
        A::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.refused_as(StoredCommand::new::<A, C>(&id.into(), &command), command, error)
    }

    /// The aggregate `id` refuses a command that it [prepares](Prepare) and that the saga has sent.
    ///
    /// # Panics
    /// When there is no instance, or the saga fails.
    #[track_caller]
    pub fn refused_prepared<A, C>(self, id: impl Into<A::Id>, command: C, error: <A as Prepare<C>>::Error) -> Self
    where
        A: Prepare<C>,
        C: Command,
        <A as Prepare<C>>::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.refused_as(StoredCommand::new::<A, C>(&id.into(), &command), command, error)
    }

    /// Those who [decide together](JointCommand) refuse a command that the saga has sent.
    ///
    /// # Panics
    /// When there is no instance, or the saga fails.
    #[track_caller]
    pub fn refused_joint<C>(self, command: C, error: C::Error) -> Self
    where
        C: JointCommand,
        C::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.refused_as(StoredCommand::joint(&command), command, error)
    }

    /// So much time passes: the timers that are due by then fire, in order, each at its time.
    ///
    /// # Panics
    /// When the saga fails.
    #[track_caller]
    pub fn advance(mut self, time: Duration) -> Self {
        self.latest = Latest::default();
        let until = self.now.saturating_add(time);
        while let Some((name, due, key)) = self.next_timer().filter(|(_, due, _)| *due <= until) {
            self.now = self.now.max(due);
            if let Some(instance) = &mut self.instance {
                instance.timers.remove(&name);
            }
            self.step(&key, &Given::Timer(&name));
        }
        self.now = until;
        self
    }

    /// It led to exactly these commands, in this order: those of [compensation](crate::Step::compensate) included.
    ///
    /// # Panics
    /// Otherwise, with both.
    #[track_caller]
    pub fn then_sends(self, expected: impl IntoIterator<Item = Sent>) -> Self {
        let expected: Vec<_> = expected.into_iter().collect();
        let found: Vec<_> = self.latest.sent.iter().cloned().map(Sent).collect();
        if expected != found {
            fail(&format!("other commands were sent\nexpected: {expected:#?}\nfound: {found:#?}"));
        }
        self
    }

    /// It set the timer `name`, which is due after so long, and may have set others.
    ///
    /// # Panics
    /// Otherwise, with the timers that it set.
    #[track_caller]
    pub fn then_timer(self, name: &str, after: Duration) -> Self {
        let due = self.now.saturating_add(after);
        if !self.latest.set.iter().any(|(set, at)| set == name && *at == due) {
            fail(&format!("timer {name:?} was not set for {due}\nfound: {:#?}", self.latest.set));
        }
        self
    }

    /// No timer is set.
    ///
    /// # Panics
    /// Otherwise, with those that are.
    #[track_caller]
    pub fn then_no_timer(self) -> Self {
        let timers = self.instance.as_ref().map(|instance| instance.timers.clone()).unwrap_or_default();
        if !timers.is_empty() {
            fail(&format!("timers are set: {timers:#?}"));
        }
        self
    }

    /// The instance's state is this one.
    ///
    /// # Panics
    /// Otherwise, with both.
    #[track_caller]
    pub fn then_state(self, expected: S) -> Self
    where
        S: Debug + PartialEq,
    {
        let found = self.state();
        if found != expected {
            fail(&format!("the state is another one\nexpected: {expected:#?}\nfound: {found:#?}"));
        }
        self
    }

    /// The instance has ended, and nothing is undone.
    ///
    /// # Panics
    /// Otherwise.
    #[track_caller]
    pub fn then_completed(self) -> Self {
        self.then_status(InstanceStatus::Completed)
    }

    /// The instance has undone what it did.
    ///
    /// # Panics
    /// Otherwise.
    #[track_caller]
    pub fn then_compensated(self) -> Self {
        self.then_status(InstanceStatus::Compensated)
    }

    /// The instance takes inputs.
    ///
    /// # Panics
    /// Otherwise.
    #[track_caller]
    pub fn then_running(self) -> Self {
        self.then_status(InstanceStatus::Running)
    }

    /// The instance's state.
    ///
    /// # Panics
    /// When there is no instance.
    #[track_caller]
    pub fn state(&self) -> S {
        let Some(instance) = &self.instance else { fail("there is no instance") };
        match open(&instance.state) {
            Ok(state) => state,
            Err(error) => fail(&error.to_string()),
        }
    }

    #[track_caller]
    fn refused_as<C, E>(mut self, stored: Result<StoredCommand, EncodeError>, command: C, error: E) -> Self
    where
        C: Command,
        E: std::fmt::Display + Send + Sync + 'static,
    {
        self.latest = Latest::default();
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => fail(&error.to_string()),
        };
        let Some(instance) = &mut self.instance else { fail("there is no instance that could have sent a command") };
        instance.performed.retain(|(performed, _)| *performed != stored);
        let key = instance.key.clone();
        let refused = Refused::new(command, error);
        self.step(&key, &Given::Refused(Refusal::new(&stored, &refused)));
        self
    }

    #[track_caller]
    fn then_status(self, expected: InstanceStatus) -> Self {
        let found = self.instance.as_ref().map(|instance| instance.status);
        if found != Some(expected) {
            fail(&format!("the instance is {found:?}, expected {expected:?}"));
        }
        self
    }

    #[track_caller]
    fn record<A: Aggregate>(&self, id: A::Id, event: A::Event) -> Record {
        let read = async {
            self.store.commit(commit_of::<A>(id, [event])).await.map_err(|error| error.to_string())?;
            let records: Vec<_> = self
                .store
                .read_log(ReadLog::all().backward().limit(1))
                .try_collect()
                .await
                .map_err(|error: annals_core::ReadError| error.to_string())?;
            records.into_iter().next().ok_or_else(|| "nothing was stored".to_owned())
        };
        // A store in memory has nothing to wait for.
        match read.now_or_never() {
            Some(Ok(record)) => Record::of(RecordParts { recorded: self.now, occurred: self.now, ..record.parts() }),
            Some(Err(error)) => fail(&error),
            None => fail("the store in memory had to wait"),
        }
    }

    #[track_caller]
    fn meet(&self, reception: &Reception) {
        match &self.instance {
            None if !reception.starts => fail(&format!("there is no instance {}", reception.key)),
            Some(instance) if instance.key != reception.key => {
                fail(&format!("the event is for instance {}, the test is about {}", reception.key, instance.key));
            }
            Some(instance) if instance.status.has_ended() => fail("the instance has ended"),
            Some(_) if !reception.continues => fail("the instance has begun already"),
            _ => {}
        }
    }

    #[track_caller]
    fn step(&mut self, key: &str, given: &Given<'_>) {
        let steps = self.instance.as_ref().map_or(0, |instance| instance.steps) + 1;
        let about = About { key, tenant: None, step: steps, now: self.now };
        let state = self.instance.as_ref().map(|instance| &instance.state);
        let Decided { state, effects } = match self.saga.decide(state, given, &about) {
            Ok(decided) => decided,
            Err(error) => fail(&format!("the saga failed: {error}")),
        };
        let mut instance = self.instance.take().unwrap_or_else(|| Instance::new(key, state.clone()));
        (instance.state, instance.steps) = (state, steps);
        for send in effects.sends {
            self.latest.sent.push(send.command.clone());
            instance.performed.extend(send.undo.map(|undo| (send.command, undo)));
        }
        for change in effects.timers {
            match change {
                TimerChange::Set(name, due) => {
                    instance.timers.insert(name.clone(), due);
                    self.latest.set.push((name, due));
                }
                TimerChange::Cancel(name) => drop(instance.timers.remove(&name)),
            }
        }
        if effects.compensates {
            instance.status = InstanceStatus::Compensated;
            self.latest
                .sent
                .extend(std::mem::take(&mut instance.performed).into_iter().rev().filter_map(|(_, undo)| undo));
        } else if effects.completes {
            instance.status = InstanceStatus::Completed;
        }
        if instance.status.has_ended() {
            instance.timers.clear();
        }
        self.instance = Some(instance);
    }

    fn next_timer(&self) -> Option<(String, Timestamp, String)> {
        let instance = self.instance.as_ref()?;
        let (name, due) = instance.timers.iter().min_by_key(|(_, due)| **due)?;
        Some((name.clone(), *due, instance.key.clone()))
    }
}

impl Instance {
    fn new(key: &str, state: StoredState) -> Self {
        let (key, status) = (key.to_owned(), InstanceStatus::Running);
        Self { key, state, steps: 0, status, timers: BTreeMap::new(), performed: Vec::new() }
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "this is how a test fails")]
fn fail(message: &str) -> ! {
    panic!("{message}")
}
