//! What follows the log and keeps rows.

use std::{any::Any, error::Error, future::Future};

use annals_core::{Event, Record};

use crate::{Rows, Subscription, Tables};

/// Any error of a handler; `?` turns every other one into it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Something that follows the log and keeps rows of what it has seen. Write it as an `impl` block with
/// [`#[projection]`](https://docs.rs/annals/latest/annals/attr.projection.html), or by hand:
///
/// ```
/// use annals_core::kinds;
/// use annals_projections::{BoxError, EventContext, Incoming, Projection, Rows, Subscription, Tables};
#[doc = include_str!("doc/balance.txt")]
/// struct Balances;
///
/// impl Projection for Balances {
///     const NAME: &'static str = "balances";
///     const VERSION: u32 = 1;
///
///     fn subscription(&self) -> Subscription {
///         Subscription::new().kinds(kinds![AccountEvent::Deposited])
///     }
///
///     fn tables(&self) -> Tables {
///         Tables::new().with::<Balance>()
///     }
///
///     async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
///         if let Some(AccountEvent::Deposited { cents }) = event.get::<AccountEvent>() {
///             let account = cx.key().to_owned();
///             let before = rows.get::<Balance>(&account).await?.map_or(0, |balance| balance.cents);
///             rows.put(Balance { account, cents: before + cents })?;
///         }
///         Ok(())
///     }
/// }
/// ```
///
/// A projection has no way to act on the world, and what it does has to follow from the events and its rows alone: it is run
/// again from the start whenever its rows are to be filled anew.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no projection",
    note = "write `#[projection(name = \"..\", version = 1)] impl {Self} {{ .. }}` with `#[on(Event::Variant {{ .. }})]` methods"
)]
pub trait Projection: Send + Sync + 'static {
    /// Its name, under which its rows and its checkpoint are kept: lower-case letters, digits, `_` and `-`.
    const NAME: &'static str;

    /// Raise it when the rows of old events should be others: they are then computed anew, beside the present ones.
    const VERSION: u32;

    /// Which events it is given.
    fn subscription(&self) -> Subscription;

    /// The tables that it keeps.
    fn tables(&self) -> Tables;

    /// How many events are handed over at once, at most; 1 when nothing is said, and 0 is 1: each alone, to
    /// [`handle`](Self::handle). With more, those of several records go to [`handle_batch`](Self::handle_batch). A few hundred are
    /// enough: what is written for them is stored as a whole, and has to keep to the limits of the store.
    const BATCH: usize = 1;

    /// Takes one event in. What it writes is kept together with the fact that the event was seen, or not at all.
    ///
    /// An error or a panic undoes what it wrote for this event.
    fn handle(
        &self,
        event: Incoming<'_>,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send;

    /// Takes several events in at once: of several records, of one tenant, in the order of the log, [`BATCH`](Self::BATCH) of
    /// them at most. What it writes is kept together with the fact that all of them were seen, or not at all.
    ///
    /// It has to leave the same rows as [`handle`](Self::handle) for each of them, one after the other: which events are
    /// handed over at once depends on how far the projection is behind, and those of a record that comes alone, that is tried
    /// again or was set aside go to `handle`. [`ProjectionTest`](https://docs.rs/annals-projections/latest/annals_projections/testing/struct.ProjectionTest.html)
    /// compares both.
    ///
    /// An error, a panic, or taking longer than one event may undoes what it wrote for all of them, and each is handed over
    /// alone, so that what fails is set aside alone. With several lanes each row's key has to begin with the lane's key of one of
    /// the events.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use annals_core::kinds;
    /// use annals_projections::{
    ///     BoxError, Delivered, EventContext, Incoming, Projection, Rows, Subscription, Tables,
    /// };
    #[doc = include_str!("doc/balance.txt")]
    /// struct Balances;
    ///
    /// impl Projection for Balances {
    /// #   const NAME: &'static str = "balances";
    /// #   const VERSION: u32 = 1;
    /// #   fn subscription(&self) -> Subscription {
    /// #       Subscription::new().kinds(kinds![AccountEvent::Deposited])
    /// #   }
    /// #   fn tables(&self) -> Tables {
    /// #       Tables::new().with::<Balance>()
    /// #   }
    ///     const BATCH: usize = 500;
    ///
    ///     async fn handle(&self, event: Incoming<'_>, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
    ///         self.handle_batch(&[Delivered::new(event, *cx)], rows).await
    ///     }
    ///
    ///     /// Reads and writes each row once, however many of the events are of its account.
    ///     async fn handle_batch(&self, events: &[Delivered<'_>], rows: &mut Rows<'_>) -> Result<(), BoxError> {
    ///         let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    ///         for event in events {
    ///             if let Some(AccountEvent::Deposited { cents }) = event.get() {
    ///                 *sums.entry(event.context().key()).or_default() += cents;
    ///             }
    ///         }
    ///         for (account, sum) in sums {
    ///             let before = rows.get::<Balance>(account.to_owned()).await?.map_or(0, |balance| balance.cents);
    ///             rows.put(Balance { account: account.to_owned(), cents: before + sum })?;
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// ```
    fn handle_batch(
        &self,
        events: &[Delivered<'_>],
        rows: &mut Rows<'_>,
    ) -> impl Future<Output = Result<(), BoxError>> + Send {
        async move {
            for event in events {
                self.handle(event.event(), event.context(), rows).await?;
            }
            Ok(())
        }
    }
}

/// One event of any enum that a projection subscribes to.
#[derive(Clone, Copy)]
pub struct Incoming<'a> {
    event: &'a (dyn Any + Send + Sync),
}

impl<'a> Incoming<'a> {
    /// `event`, on its way to a projection.
    #[must_use]
    pub fn of<E: Event>(event: &'a E) -> Self {
        Self { event }
    }

    /// The event, if it is one of `E`.
    #[must_use]
    pub fn get<E: Event>(self) -> Option<&'a E> {
        self.event.downcast_ref()
    }
}

impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Incoming").finish_non_exhaustive()
    }
}

/// What is known of an event beside its content.
#[derive(Debug, Clone, Copy)]
pub struct EventContext<'a> {
    record: &'a Record,
    index: usize,
}

impl<'a> EventContext<'a> {
    /// The event that is `index`th among those of `record`, from 0.
    #[must_use]
    pub const fn new(record: &'a Record, index: usize) -> Self {
        Self { record, index }
    }

    /// The record that holds it: its position, stream, version, times, tags and metadata.
    #[must_use]
    pub const fn record(&self) -> &'a Record {
        self.record
    }

    /// Its place among the events of the record, from 0; more than one only where an event of the past was split.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The key of its stream: the aggregate's id as text.
    #[must_use]
    pub fn key(&self) -> &'a str {
        self.record.stream().key()
    }

    /// The id of the aggregate that it is an event of.
    ///
    /// # Errors
    /// [`NoSuchId`] when the stream's key is no id of this kind.
    pub fn id<I: annals_core::AggregateId>(&self) -> Result<I, NoSuchId> {
        I::from_key(self.key())
            .ok_or_else(|| NoSuchId { stream: self.record.stream().clone(), id: std::any::type_name::<I>() })
    }
}

/// An event that is handed over together with others, and what is known of it beside its content.
#[derive(Debug, Clone, Copy)]
pub struct Delivered<'a> {
    event: Incoming<'a>,
    context: EventContext<'a>,
}

impl<'a> Delivered<'a> {
    /// `event`, of which that is known.
    #[must_use]
    pub const fn new(event: Incoming<'a>, context: EventContext<'a>) -> Self {
        Self { event, context }
    }

    /// The event, if it is one of `E`.
    #[must_use]
    pub fn get<E: Event>(&self) -> Option<&'a E> {
        self.event.get()
    }

    /// The event.
    #[must_use]
    pub const fn event(&self) -> Incoming<'a> {
        self.event
    }

    /// The record that holds it, and the key of its stream.
    #[must_use]
    pub const fn context(&self) -> &EventContext<'a> {
        &self.context
    }
}

/// A stream whose key is no id of the kind that a handler asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the key of stream {stream} is no {id}")]
pub struct NoSuchId {
    /// The stream.
    pub stream: annals_core::StreamId,
    /// The type of id.
    pub id: &'static str,
}
