//! Commands and appends, beside each other in one store.

use std::{
    num::NonZeroUsize,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use annals_core::{
    Annals, CommandId, Commit, Condition, CorrelationId, Event, EventType, Expected, Handle, Intent, Metadata,
    NewEvent, Rejection, Store, StreamId, Version, at,
};
use bytes::Bytes;
use tokio::task::JoinSet;

use super::order::{AddLine, AddNamedLine, AddSeenLine, Order, Viewer};
use crate::{
    Failure,
    event::OrderEvent,
    figures::Rounds,
    fill::{self, Fill, Ids, SINGLES},
    random::{Random, uuid_of},
    table::{Bar, Row},
    writers::{Figures, Window, join, repeat},
};

/// What each stream holds in the beginning.
const EVENTS_EACH: u64 = 10;
/// Lines are made once: the making of events is not what is measured.
const LINES: usize = 1024;

/// What a caller does again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Call {
    /// Commits an event, expecting a version of its stream.
    Bare,
    /// Sends a command that comes to the same.
    Command,
    /// The same with an idempotency key.
    Keyed,
    /// The same; a unique name is claimed too.
    Claiming,
    /// The same, prepared before.
    Prepared,
    /// The same; an interceptor looks on.
    Intercepted,
    /// Commits two events at once.
    BarePair,
    /// Decides about two aggregates together.
    Pair,
}

impl Call {
    /// What is measured with any number of callers, and what with the largest alone.
    const ALWAYS: [Self; 3] = [Self::Bare, Self::Command, Self::Keyed];
    const ONCE: [Self; 5] = [Self::Claiming, Self::Prepared, Self::Intercepted, Self::BarePair, Self::Pair];

    fn label(self) -> &'static str {
        match self {
            Self::Bare => "the bare append",
            Self::Command => "command",
            Self::Keyed => "keyed command",
            Self::Claiming => "command that claims a unique name",
            Self::Prepared => "prepared command",
            Self::Intercepted => "command with an interceptor",
            Self::BarePair => "two events in a bare commit",
            Self::Pair => "together over two aggregates",
        }
    }
}

/// The calls, and what was measured so far.
pub(super) struct Calls {
    desk: Arc<Desk>,
    measured: Vec<Measured>,
    callers: Vec<usize>,
}

/// One call, by so many callers.
struct Measured {
    call: Call,
    callers: usize,
    rates: Rounds,
    medians: Rounds,
    p99s: Rounds,
}

/// What all callers share. The streams of `bare`, of `annals` and of `intercepted` are three of three: what is kept in
/// memory of the one is not outdated by the others.
struct Desk {
    store: Arc<dyn Store>,
    bare: Vec<(StreamId, AtomicU64)>,
    annals: Annals,
    /// The numbers of its aggregates begin here.
    intercepted_from: u64,
    intercepted: Annals,
    lines: Vec<(OrderEvent, Bytes)>,
    event_type: EventType,
}

impl Calls {
    /// Fills a store in `folder`, also with the long streams.
    pub(super) async fn fill(folder: &Path, aggregates: u64, callers: &[NonZeroUsize]) -> Result<Self, Failure> {
        let callers: Vec<_> = callers.iter().map(|callers| callers.get()).collect();
        let most = callers.iter().copied().max().ok_or("there are no callers")?;
        if aggregates < 2 * most as u64 {
            return Err(format!("{most} callers need two aggregates each, there are {aggregates}").into());
        }
        let [_, _, long] = SINGLES;
        let fill = Fill { singles: long.events, ..Desk::fill(aggregates) };
        let desk = Arc::new(Desk::of(fill::filled(folder, fill).await?, aggregates).await?);
        let measured = |call: Call, callers: usize| Measured {
            call,
            callers,
            rates: Rounds::default(),
            medians: Rounds::default(),
            p99s: Rounds::default(),
        };
        let always = callers.iter().flat_map(|callers| Call::ALWAYS.map(|call| measured(call, *callers)));
        let measured = always.chain(Call::ONCE.map(|call| measured(call, most))).collect();
        Ok(Self { desk, measured, callers })
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        &self.desk.store
    }

    /// Leaves all other calls away.
    pub(super) fn only(&mut self, calls: &[Call]) {
        self.measured.retain(|measured| calls.contains(&measured.call));
    }

    /// What was measured, beside the first of the calls with as many callers.
    pub(super) fn each(&self) -> Vec<Row> {
        let row = |measured: &Measured| {
            let first = self.measured.iter().find(|first| first.callers == measured.callers);
            match first.map(|first| first.call) {
                Some(first) if first != measured.call => self.rate(measured.call, first, measured.callers, Bar::None),
                _ => {
                    let work = format!("{}, {} callers", measured.call.label(), measured.callers);
                    Row::alone(work, "commits/s", measured.rates.clone(), Bar::None)
                }
            }
        };
        self.measured.iter().map(row).collect()
    }

    /// Every call, one after the other.
    pub(super) async fn measure(&mut self, time: Duration) -> Result<(), Failure> {
        for measured in &mut self.measured {
            let figures = self.desk.measure(measured.call, measured.callers, time).await?;
            measured.rates.push(figures.appends_per_second);
            measured.medians.push(figures.median_us);
            measured.p99s.push(figures.p99_us);
        }
        Ok(())
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let most = self.callers.iter().copied().max().unwrap_or_default();
        let (mut rows, at_least) = (Vec::new(), Bar::RatioAtLeast(0.8));
        for callers in &self.callers {
            let bar = if *callers == most { at_least } else { Bar::None };
            rows.push(self.rate(Call::Command, Call::Bare, *callers, bar));
            rows.extend(self.latencies(Call::Command, Call::Bare, *callers));
        }
        rows.extend(self.callers.iter().map(|callers| self.rate(Call::Keyed, Call::Command, *callers, at_least)));
        for (call, yardstick) in [
            (Call::Pair, Call::BarePair),
            (Call::Claiming, Call::Command),
            (Call::Prepared, Call::Command),
            (Call::Intercepted, Call::Command),
        ] {
            rows.push(self.rate(call, yardstick, most, Bar::None));
        }
        rows
    }

    fn rate(&self, call: Call, yardstick: Call, callers: usize, bar: Bar) -> Row {
        let [own, other] = [call, yardstick].map(|call| self.rounds(call, callers, |measured| &measured.rates));
        let work = format!("{}, {callers} callers", call.label());
        Row::alone(work, "commits/s", own, bar).beside(yardstick.label(), other)
    }

    fn latencies(&self, call: Call, yardstick: Call, callers: usize) -> [Row; 2] {
        let row = |name: &str, of: fn(&Measured) -> &Rounds| {
            let [own, other] = [call, yardstick].map(|call| self.rounds(call, callers, of));
            let work = format!("{}, {callers} callers, {name}", call.label());
            Row::alone(work, "us", own, Bar::None).beside(yardstick.label(), other)
        };
        [row("p50", |measured| &measured.medians), row("p99", |measured| &measured.p99s)]
    }

    fn rounds(&self, call: Call, callers: usize, of: fn(&Measured) -> &Rounds) -> Rounds {
        let found = self.measured.iter().find(|measured| (measured.call, measured.callers) == (call, callers));
        found.map(|measured| of(measured).clone()).unwrap_or_default()
    }

    pub(super) async fn shut_down(self) {
        self.desk.annals.shut_down().await;
    }
}

impl Desk {
    /// What a store must hold before.
    fn fill(aggregates: u64) -> Fill {
        let streams = 3 * aggregates;
        Fill { events: EVENTS_EACH * streams, streams, ids: Ids::Number, tags: false, singles: 0 }
    }

    /// Loads all aggregates once.
    async fn of(store: Arc<dyn Store>, aggregates: u64) -> Result<Self, Failure> {
        let entries = usize::try_from(aggregates)?;
        let annals = Annals::over(Arc::clone(&store)).cache(entries).service(Viewer).open().await?;
        let look_on = |_: &mut Intent<'_>| Ok::<(), Rejection>(());
        let intercepted = Annals::over(Arc::clone(&store)).cache(entries).interceptor(look_on).open().await?;
        let intercepted_from = 2 * aggregates;
        for number in 0..aggregates {
            annals.on::<Order>(number).load().await?;
            intercepted.on::<Order>(intercepted_from + number).load().await?;
        }
        let stream = |number| Ok((Ids::Number.stream(number)?, AtomicU64::new(EVENTS_EACH)));
        let bare = (aggregates..2 * aggregates).map(stream).collect::<Result<_, Failure>>()?;
        let mut random = Random::new(1);
        let line = |line: OrderEvent| line.encode().map(|payload| (line, payload));
        let lines: Vec<_> = (0..LINES).map(|_| line(OrderEvent::random(&mut random))).collect::<Result<_, _>>()?;
        let event_type = lines.first().ok_or("there are no lines")?.0.kind().event_type()?;
        Ok(Self { store, bare, annals, intercepted_from, intercepted, lines, event_type })
    }

    async fn measure(self: &Arc<Self>, call: Call, callers: usize, time: Duration) -> Result<Figures, Failure> {
        let window = Window::of(time);
        // The head is another one at each call: no key and no name is used twice.
        let head = self.store.head().borrow().position.get();
        let mut tasks = JoinSet::new();
        for number in 0..callers {
            let random = Random::new(head << 16 | number as u64);
            let mut caller = Caller { desk: Arc::clone(self), number, callers, random };
            tasks.spawn(repeat(window, async move || caller.call(call).await));
        }
        Ok(Figures::of(&join(tasks).await?, time))
    }

    /// Commits `line` to each of the streams.
    async fn commit(&self, numbers: &[usize], payload: &Bytes) -> Result<(), Failure> {
        let streams = || numbers.iter().filter_map(|number| self.bare.get(*number));
        let metadata = Metadata {
            command: Some(CommandId::new()),
            correlation: Some(CorrelationId::new()),
            ..Metadata::default()
        };
        let mut commit = Commit::new();
        for (stream, version) in streams() {
            let expected = Expected::At(Version::new(version.load(Ordering::Relaxed))?);
            commit.conditions.push(Condition::stream(stream.clone(), expected));
            let event = NewEvent::new(stream.clone(), self.event_type.clone(), payload.clone());
            commit.events.push(NewEvent { metadata: metadata.clone(), ..event });
        }
        self.store.commit(commit).await?;
        for (_, version) in streams() {
            version.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn add_keyed(&self, order: u64, line: OrderEvent, key: String) -> Result<(), Failure> {
        let sending = self.annals.on::<Order>(order).send(AddLine { line }).idempotency_key(key);
        if sending.await?.receipt.repeated { Err("a key was used twice".into()) } else { Ok(()) }
    }

    async fn add_to_both(&self, one: u64, other: u64, line: OrderEvent) -> Result<(), Failure> {
        let decide = move |(one, other): (&mut _, &mut _)| {
            Order::handle(one, AddLine { line: line.clone() })?;
            Order::handle(other, AddLine { line: line.clone() })
        };
        self.annals.together((at::<Order>(one), at::<Order>(other)), decide).await?;
        Ok(())
    }
}

/// Who calls. No two callers use the same streams, so that nothing that is expected is ever wrong.
struct Caller {
    desk: Arc<Desk>,
    number: usize,
    callers: usize,
    random: Random,
}

impl Caller {
    async fn call(&mut self, call: Call) -> Result<(), Failure> {
        let [one, other] = self.own();
        let unique = self.random.next();
        let (order, desk) = (one as u64, &*self.desk);
        let Some((line, payload)) = desk.lines.get(self.random.below(LINES)) else { return Ok(()) };
        let line = || line.clone();
        match call {
            Call::Bare => desk.commit(&[one], payload).await?,
            Call::BarePair => desk.commit(&[one, other], payload).await?,
            Call::Command => drop(desk.annals.on::<Order>(order).send(AddLine { line: line() }).await?),
            Call::Keyed => desk.add_keyed(order, line(), uuid_of(unique).to_string()).await?,
            Call::Claiming => {
                let command = AddNamedLine { line: line(), name: uuid_of(unique).to_string() };
                desk.annals.on::<Order>(order).send(command).await?;
            }
            Call::Prepared => drop(desk.annals.on::<Order>(order).prepare(AddSeenLine { line: line() }).await?),
            Call::Intercepted => {
                let order = desk.intercepted_from + order;
                desk.intercepted.on::<Order>(order).send(AddLine { line: line() }).await?;
            }
            Call::Pair => desk.add_to_both(order, other as u64, line()).await?,
        }
        Ok(())
    }

    /// Two of its own aggregates.
    fn own(&mut self) -> [usize; 2] {
        let share = self.desk.bare.len() / self.callers;
        let first = self.random.below(share);
        [first, (first + 1) % share].map(|index| index * self.callers + self.number)
    }
}

#[cfg(test)]
mod tests {
    use annals_core::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn every_call_is_one_commit_however_often_it_is_made() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        Desk::fill(8).run(&store).await.unwrap();
        let desk = Arc::new(Desk::of(store, 8).await.unwrap());
        let mut callers = [0, 1].map(|number| {
            let random = Random::new(number as u64);
            Caller { desk: Arc::clone(&desk), number, callers: 2, random }
        });
        // The first name makes the key, which is a commit too.
        callers[0].call(Call::Claiming).await.unwrap();
        for call in [Call::ALWAYS.as_slice(), &Call::ONCE].concat() {
            let head = *desk.store.head().borrow();
            for caller in &mut callers {
                for _ in 0..8 {
                    caller.call(call).await.unwrap();
                }
            }
            let events = if [Call::BarePair, Call::Pair].contains(&call) { 32 } else { 16 };
            let behind = *desk.store.head().borrow();
            assert_eq!(behind.commit.get() - head.commit.get(), 16, "{call:?}");
            assert_eq!(behind.position.get() - head.position.get(), events, "{call:?}");
        }
    }
}
