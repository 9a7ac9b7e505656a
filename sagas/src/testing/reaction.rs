//! Tests of reactions.

use std::collections::BTreeMap;

use annals_core::{Aggregate, Command, Handle, JointCommand, Prepare, Timestamp, codec::EncodeError};
use annals_projections::{EventContext, Incoming};

use crate::{
    Reaction, Refusal,
    commands::Refused,
    machine::{Given, Machine},
    reaction::ReactionOf,
    step::About,
    stored::StoredCommand,
};

use super::{Sent, fail, happening::Happenings, then_sent};

/// A reaction, without a store and without aggregates. What happens is said event by event; commands are not sent anywhere, and
/// count as taken unless the test says that one was [refused](Self::refused).
///
/// ```
/// use annals_core::{Aggregate, Decision, Evolve, Handle, kinds};
/// use annals_projections::{BoxError, EventContext, Incoming, Subscription};
/// use annals_sagas::{Commands, Reaction, SendsTo, Step, testing::{ReactionTest, sent}};
#[doc = include_str!("../doc/greeting.txt")]
/// # impl PartialEq for Greet { fn eq(&self, other: &Self) -> bool { self.name == other.name } }
/// # struct Greets;
/// # impl SendsTo<Letterbox, Greet> for Greets {}
/// # impl Reaction for Greets {
/// #     const NAME: &'static str = "greets";
/// #     fn subscription() -> Subscription { Subscription::new().kinds(kinds![MemberEvent::Joined]) }
/// #     fn commands() -> Commands { Commands::new().with::<Letterbox, Greet>() }
/// #     fn react(event: Incoming<'_>, cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
/// #         if let Some(MemberEvent::Joined { name }) = event.get() {
/// #             step.send::<Letterbox, _>(cx.key(), Greet { name: name.clone() });
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// # #[derive(Default, Clone)]
/// # struct Member;
/// # impl Evolve<MemberEvent> for Member { fn evolve(&mut self, _: &MemberEvent) {} }
/// # impl Aggregate for Member { const NAME: &'static str = "member"; type Id = String; type Event = MemberEvent; }
/// ReactionTest::<Greets>::new()
///     .when::<Member>("ada", MemberEvent::Joined { name: "Ada".into() })
///     .then_sends([sent::<Letterbox, _>("ada", Greet { name: "Ada".into() })]);
/// ```
pub struct ReactionTest<R> {
    reaction: ReactionOf<R>,
    happenings: Happenings,
    now: Timestamp,
    /// How many steps were taken for each key.
    steps: BTreeMap<String, u64>,
    /// Everything that was sent, with the key for which.
    sent: Vec<(String, StoredCommand)>,
    /// How many of them the latest `when` or `refused` led to.
    latest: usize,
}

impl<R: Reaction> Default for ReactionTest<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Reaction> ReactionTest<R> {
    /// Nothing has happened yet. It is 1970-01-01T00:00:00Z.
    pub fn new() -> Self {
        let (reaction, happenings) = (ReactionOf::new(), Happenings::new());
        Self { reaction, happenings, now: Timestamp::EPOCH, steps: BTreeMap::new(), sent: Vec::new(), latest: 0 }
    }

    /// From here on it is this time.
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// This event of the aggregate `id` happens.
    ///
    /// # Panics
    /// When the reaction fails.
    #[track_caller]
    pub fn when<A: Aggregate>(mut self, id: impl Into<A::Id>, event: A::Event) -> Self {
        self.latest = 0;
        let happening = self.happenings.happen::<A>(id.into(), event, self.now);
        for (index, event) in happening.decoded.as_slice().iter().enumerate() {
            let context = EventContext::new(&happening.record, index);
            match self.reaction.receive(Incoming::of(event), &context) {
                Ok(Some(reception)) => self.step(reception.key(), &Given::Event(Incoming::of(event), context)),
                Ok(None) => {}
                Err(error) => fail(&format!("it cannot be told which key the event is for: {error}")),
            }
        }
        self
    }

    /// The aggregate `id` refuses a command that the reaction has sent.
    ///
    /// # Panics
    /// When it has sent no such command, or fails.
    #[track_caller]
    pub fn refused<A, C>(self, id: impl Into<A::Id>, command: C, error: A::Error) -> Self
    where
        A: Handle<C>,
        C: Command,
        A::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.refused_as(StoredCommand::new::<A, C>(&id.into(), &command), command, error)
    }

    /// The aggregate `id` refuses a command that it [prepares](Prepare) and that the reaction has sent.
    ///
    /// # Panics
    /// When it has sent no such command, or fails.
    #[track_caller]
    pub fn refused_prepared<A, C>(self, id: impl Into<A::Id>, command: C, error: <A as Prepare<C>>::Error) -> Self
    where
        A: Prepare<C>,
        C: Command,
        <A as Prepare<C>>::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.refused_as(StoredCommand::new::<A, C>(&id.into(), &command), command, error)
    }

    /// Those who [decide together](JointCommand) refuse a command that the reaction has sent.
    ///
    /// # Panics
    /// When it has sent no such command, or fails.
    #[track_caller]
    pub fn refused_joint<C>(self, command: C, error: C::Error) -> Self
    where
        C: JointCommand,
        C::Error: std::fmt::Display + Send + Sync + 'static,
    {
        self.refused_as(StoredCommand::joint(&command), command, error)
    }

    /// It led to exactly these commands, in this order.
    ///
    /// # Panics
    /// Otherwise, with both.
    #[track_caller]
    pub fn then_sends(self, expected: impl IntoIterator<Item = Sent>) -> Self {
        then_sent(self.sent.iter().rev().take(self.latest).rev().map(|(_, command)| command), expected);
        self
    }

    #[track_caller]
    fn refused_as<C, E>(mut self, stored: Result<StoredCommand, EncodeError>, command: C, error: E) -> Self
    where
        C: Command,
        E: std::fmt::Display + Send + Sync + 'static,
    {
        self.latest = 0;
        let stored = match stored {
            Ok(stored) => stored,
            Err(error) => fail(&error.to_string()),
        };
        let Some(place) = self.sent.iter().rposition(|(_, sent)| *sent == stored) else {
            fail(&format!("no such command was sent: {:#?}", Sent(stored)))
        };
        let (key, stored) = self.sent.remove(place);
        self.step(&key, &Given::Refused(Refusal::new(&stored, &Refused::new(command, error))));
        self
    }

    #[track_caller]
    fn step(&mut self, key: &str, given: &Given<'_>) {
        let steps = self.steps.entry(key.to_owned()).or_default();
        *steps += 1;
        let about = About { key, tenant: None, step: *steps, now: self.now };
        let decided = match self.reaction.decide(None, given, &about) {
            Ok(decided) => decided,
            Err(error) => fail(&format!("the reaction failed: {error}")),
        };
        self.latest += decided.effects.sends.len();
        self.sent.extend(decided.effects.sends.into_iter().map(|send| (key.to_owned(), send.command)));
    }
}
