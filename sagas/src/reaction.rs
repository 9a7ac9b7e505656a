//! Choreography: events that lead to commands on other aggregates, without a state between.

use std::marker::PhantomData;

use annals_core::codec;
use annals_projections::{EventContext, Incoming, Subscription};

use crate::{
    BoxError, Commands, Reception, Refusal, Step, Unhandled,
    machine::{Decided, Given, Machine, StoredState, guarded},
    step::{About, Effects},
};

/// Something that answers events with commands, and remembers nothing: "when a customer moves, tell the newsletter". Where an
/// answer depends on what happened before, it is a [`Saga`](crate::Saga). Write it as an `impl` block with
/// [`#[reaction]`](https://docs.rs/annals/latest/annals/attr.reaction.html), or by hand as below.
///
/// The events of one [key](Self::key) are taken in order, and so are the commands that answer them sent; each event is
/// answered once, whatever crashes. Run it with [`WithSagas::reaction`](crate::WithSagas::reaction).
///
/// ```
/// use annals_core::{Aggregate, Decision, Evolve, Handle, kinds};
/// use annals_projections::{EventContext, Incoming, Subscription};
/// use annals_sagas::{BoxError, Commands, Reaction, SendsTo, Step};
#[doc = include_str!("doc/greeting.txt")]
/// /// Greets everybody who joins.
/// struct Greets;
///
/// impl SendsTo<Letterbox, Greet> for Greets {}
///
/// impl Reaction for Greets {
///     const NAME: &'static str = "greets";
///
///     fn subscription() -> Subscription {
///         Subscription::new().kinds(kinds![MemberEvent::Joined])
///     }
///
///     fn commands() -> Commands {
///         Commands::new().with::<Letterbox, Greet>()
///     }
///
///     fn react(event: Incoming<'_>, cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
///         if let Some(MemberEvent::Joined { name }) = event.get() {
///             step.send::<Letterbox, _>(cx.key(), Greet { name: name.clone() });
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no reaction",
    note = "write `#[reaction(name = \"..\")] impl {Self} {{ .. }}` with `#[on(Event::Variant {{ .. }})]` functions"
)]
pub trait Reaction: Sized + Send + Sync + 'static {
    /// Its name, under which how far it has come is kept, for ever: lower-case letters, digits and `_`.
    const NAME: &'static str;

    /// Which events it is given.
    fn subscription() -> Subscription;

    /// Which commands it sends, and to which aggregates.
    fn commands() -> Commands;

    /// What events have in common that are answered one after the other; the key of the stream when nothing is said. `None` when
    /// the event is not answered.
    ///
    /// # Errors
    /// When that cannot be told: the event is set aside.
    fn key(event: Incoming<'_>, context: &EventContext<'_>) -> Result<Option<String>, BoxError> {
        let _ = event;
        Ok(Some(context.key().to_owned()))
    }

    /// Answers an event.
    ///
    /// # Errors
    /// Any error, and a panic, leads to nothing. The event is tried again, and then set aside, with those of its key behind it.
    fn react(event: Incoming<'_>, context: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError>;

    /// Answers that a command was refused. When nothing is said of that, it is set aside, and those of the same key behind it
    /// wait.
    ///
    /// # Errors
    /// Any error, and a panic, leads to nothing, and the command waits for an operator.
    fn refused(refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let _ = step;
        Err(Unhandled::refusal(refusal).into())
    }
}

/// The reaction `R`.
pub(crate) struct ReactionOf<R>(PhantomData<fn() -> R>);

impl<R> ReactionOf<R> {
    pub(crate) const fn new() -> Self {
        Self(PhantomData)
    }
}

/// A reaction that sets a timer, which only a type can that is a saga too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a reaction has no timers: what waits is a saga")]
struct TimerOfReaction;

impl<R: Reaction> Machine for ReactionOf<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn subscription(&self) -> Subscription {
        R::subscription()
    }

    fn commands(&self) -> Commands {
        R::commands()
    }

    fn remembers(&self) -> bool {
        false
    }

    fn receive(&self, event: Incoming<'_>, context: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        guarded(|| Ok(R::key(event, context)?.map(Reception::starts_or_continues)))
    }

    fn decide(&self, _: Option<&StoredState>, input: &Given<'_>, about: &About<'_>) -> Result<Decided, BoxError> {
        let mut effects = Effects::default();
        let mut step = Step::new(about, &mut effects);
        guarded(|| match input {
            Given::Event(event, context) => R::react(*event, context, &mut step),
            Given::Refused(refusal) => R::refused(refusal, &mut step),
            Given::Timer(name) => Err(Unhandled::timer(name).into()),
        })?;
        let mut effects = effects.checked()?;
        if !effects.timers.is_empty() {
            return Err(TimerOfReaction.into());
        }
        // It never ends, whatever a type says that is a saga too.
        (effects.completes, effects.compensates) = (false, false);
        Ok(Decided { state: StoredState { version: 1, content: codec::encode("no state", &())? }, effects })
    }
}
