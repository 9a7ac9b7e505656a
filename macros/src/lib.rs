//! The derives of annals, `#[projection]`, `#[saga]` and `#[reaction]`. Use them through the facade `annals`, which exports each beside its trait.
//!
//! Each writes what one could have written by hand. Its folder is its pipeline: `attr` (the grammar of its
//! attributes), `ast` (the input taken apart), `valid` (every mistake that it can see), `expand` (the code), `fallback`
//! (a stub beside the messages, so that one mistake gives one error).

mod attr;
mod form;
mod handler;
mod name;
mod past;
mod process;
mod root;
#[cfg(test)]
mod snapshot;
mod stub;
mod tokens;
mod value;

mod aggregate;
mod aggregate_id;
mod command;
mod event;
mod former_state;
mod projection;
mod reaction;
mod row;
mod row_key;
mod saga;
mod shape;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Implements `Event` for an enum: its variants are the kinds of facts.
///
/// The enum is also `Clone`, `Serialize` and `Deserialize`; its variants have named fields, one unnamed field or none.
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[event(prefix = "account")]` | the enum | a variant is stored as the prefix, a dot and its name in snake case: `account.opened` |
/// | `#[event(name = "account.opened")]` | a variant | its whole stored name, so that the variant can be renamed |
/// | `#[event(version = 2)]` | a variant | the version of its shape; 1 when not given |
/// | `from(1 = WithdrawnV1, 2 = ..)` | a variant | the types of its older versions: each has a step (`From` or `TryFrom`) to the next, the last to the enum, or to the one unnamed field of the variant |
/// | `from(1 = value(function), ..)` | a variant | the same on a MessagePack tree where no type is wanted: a `fn(Value, &Record) -> Result<Value, UpcastError>` |
/// | `since = 2` | a variant | no event older than version 2 was ever stored |
/// | `alias = "account.drawn"` | a variant | a stored name of the past; versions are counted on under the present name |
/// | `from("account.adjusted", 1 = ..)` | a variant | what was another event, of all its versions, and is read as this one |
/// | `example = Self::Withdrawn { .. }` | a variant | an event as it may occur, for the lock file of `schema_lock!`; may be repeated |
/// | `split("account.moved", 1 = MovedV1, into(Sent, Received))` | the enum | what was one event and is read as several: the last step goes to a `Vec` of the enum |
/// | `retired("account.frozen", ..)` | the enum | stored names that are read as nothing |
/// | `#[tag]` | a field | the event is tagged `field:value`, the value by `Display`; an `Option` that is `None` gives no tag |
/// | `#[tag(name = "atm")]` | a field | the same under another name |
/// | `#[event(crate = path)]` | the enum | where annals is, if its own search in the manifest does not find it |
///
/// ```
/// use annals_core::Event as _;
/// use annals_macros::Event;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Clone, Serialize, Deserialize, Event)]
/// #[event(prefix = "account")]
/// enum AccountEvent {
///     Opened { owner: String },
///     #[event(version = 2, from(1 = WithdrawnV1))]
///     Withdrawn { cents: u64, #[tag] atm: Option<u32> },
/// }
///
/// #[derive(Deserialize)]
/// struct WithdrawnV1 { euros: u64 }
///
/// impl From<WithdrawnV1> for AccountEvent {
///     fn from(old: WithdrawnV1) -> Self {
///         Self::Withdrawn { cents: old.euros * 100, atm: None }
///     }
/// }
///
/// let event = AccountEvent::Withdrawn { cents: 100, atm: Some(7) };
/// assert_eq!((event.kind().name, event.kind().version), ("account.withdrawn", 2));
/// assert_eq!(event.tags()?[0].as_str(), "atm:7");
/// # Ok::<(), annals_core::InvalidText>(())
/// ```
#[proc_macro_derive(Event, attributes(event, tag))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, event::expand, event::fallback)
}

/// Implements `Aggregate` for a state; the fold is written by hand as `Evolve`.
///
/// The type is also `Default` and `Clone`, and with `snapshot(..)` `Serialize` and `Deserialize`.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[aggregate(name = "account")]` | the category of its streams, for ever |
/// | `event = AccountEvent` | its events |
/// | `id = AccountId` | its id; `String` when not given |
/// | `snapshot(every = 100)` | a snapshot is taken when 100 events came since the last one |
/// | `snapshot(explicit)` | a snapshot is taken only when asked for |
/// | `snapshot(.., version = 2)` | the version of the fold and of the state's meaning; 1 when not given |
/// | `snapshot(.., from(1 = AccountV1))` | states of older versions whose snapshots are read, with a step (`From` or `TryFrom`) from each to the next: only where folding long streams anew is too dear |
/// | `crate = path` | where annals is, if its own search in the manifest does not find it |
///
/// ```
/// use annals_core::{Aggregate as _, Evolve};
/// use annals_macros::{Aggregate, Event};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Event)]
/// #[event(prefix = "door")]
/// enum DoorEvent { Opened, Closed }
///
/// #[derive(Default, Clone, Serialize, Deserialize, Aggregate)]
/// #[aggregate(name = "door", event = DoorEvent, snapshot(every = 100))]
/// struct Door { open: bool }
///
/// impl Evolve<DoorEvent> for Door {
///     fn evolve(&mut self, event: &DoorEvent) {
///         match event {
///             DoorEvent::Opened => self.open = true,
///             DoorEvent::Closed => self.open = false,
///         }
///     }
/// }
///
/// assert_eq!(Door::NAME, "door");
/// assert_eq!(Door::snapshots().map(|snapshots| snapshots.shape), Some("open: bool"));
/// ```
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, aggregate::expand, aggregate::fallback)
}

/// Implements `FormerState` for a state as older code wrote it into snapshots: its fields exactly as they stood in the code
/// then, serde's attributes too, because by them such snapshots are recognised.
///
/// The type is also `Deserialize`. `#[former_state(crate = path)]` says where annals is.
///
/// ```
/// use annals_core::{Aggregate as _, Evolve};
/// use annals_macros::{Aggregate, Event, FormerState};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize, FormerState)]
/// struct MeterV1 { euros: u64 }
///
/// #[derive(Default, Clone, Serialize, Deserialize, Aggregate)]
/// #[aggregate(name = "meter", event = MeterEvent, snapshot(every = 100, version = 2, from(1 = MeterV1)))]
/// struct Meter { cents: u64 }
///
/// impl From<MeterV1> for Meter {
///     fn from(old: MeterV1) -> Self {
///         Self { cents: old.euros * 100 }
///     }
/// }
/// # #[derive(Clone, Serialize, Deserialize, Event)]
/// # #[event(prefix = "meter")]
/// # enum MeterEvent { Counted { cents: u64 } }
/// # impl Evolve<MeterEvent> for Meter {
/// #     fn evolve(&mut self, MeterEvent::Counted { cents }: &MeterEvent) { self.cents += cents }
/// # }
/// assert_eq!(Meter::snapshots().map(|snapshots| snapshots.past[0].shape), Some("euros: u64"));
/// ```
#[proc_macro_derive(FormerState, attributes(former_state))]
pub fn derive_former_state(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, former_state::expand, former_state::fallback)
}

/// Implements `Command`: a stable name and a version, by which a request is recognised when it is sent again.
///
/// The type is also `Clone`, `Serialize` and `Deserialize`.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[command(name = "withdraw")]` | its stable name; the type's in snake case when not given |
/// | `version = 2` | the version of its shape; 1 when not given |
/// | `from(1 = WithdrawV1)` | commands of older versions that may still wait to be sent, with a step (`From` or `TryFrom`) from each to the next |
/// | `crate = path` | where annals is, if its own search in the manifest does not find it |
///
/// ```
/// use annals_core::Command as _;
/// use annals_macros::Command;
///
/// #[derive(Clone, serde::Serialize, serde::Deserialize, Command)]
/// struct CloseAccount { reason: String }
///
/// assert_eq!((CloseAccount::NAME, CloseAccount::VERSION), ("close_account", 1));
/// ```
#[proc_macro_derive(Command, attributes(command))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, command::expand, command::fallback)
}

/// Implements `AggregateId` for a newtype around anything with `Display` and `FromStr`: a text, a number, a UUID.
///
/// It writes `Display`, `FromStr` and `From` of the inner type too, and `From<&str>` when that is a `String`. The type
/// is also `Clone`, `Debug` and `PartialEq`. `#[aggregate_id(crate = path)]` says where annals is.
///
/// ```
/// use annals_core::AggregateId as _;
/// use annals_macros::AggregateId;
///
/// #[derive(Debug, Clone, PartialEq, AggregateId)]
/// struct OrderId(u64);
///
/// assert_eq!(OrderId(7).to_key(), "7");
/// assert_eq!(OrderId::from_key("7"), Some(OrderId(7)));
/// assert_eq!(OrderId::from_key("seven"), None);
/// ```
#[proc_macro_derive(AggregateId, attributes(aggregate_id))]
pub fn derive_aggregate_id(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, aggregate_id::expand, aggregate_id::fallback)
}

/// Implements `Shaped`: what the type is stored as, read from its fields and serde's attributes.
///
/// The type is also `Serialize` and `Deserialize`, derived too: what is written by hand cannot be seen here. All attributes
/// of serde that change what is stored are honoured: `rename`, `rename_all`, `rename_all_fields`, `alias`, `default`,
/// `skip`, `skip_serializing`, `skip_serializing_if`, `skip_deserializing`, `flatten`, `transparent`, `untagged`, `tag`,
/// `content`, `other`, `deny_unknown_fields`, `from`, `try_from`, `into`, and `with` and its kind, of which nothing is
/// known. A field whose type is not `Shaped` is opaque: the type as it is written.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[shape(name = "Line")]` | what the type is called; its own name when not given |
/// | `#[shape(crate = path)]` | where annals is, if its own search in the manifest does not find it |
///
/// ```
/// use annals_core::shape::Schema;
/// use annals_macros::Shape;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, Shape)]
/// struct Money { cents: i64, #[serde(default)] currency: Option<String> }
///
/// #[derive(Serialize, Deserialize, Shape)]
/// #[serde(rename_all = "snake_case")]
/// enum Payment { Cash(Money), Card { number: u64 }, Free }
///
/// let text = "\
/// Payment
/// Money = { cents: i64, currency: text? }
/// Payment = enum { cash: Money, card: { number: u64 }, free }";
/// assert_eq!(Schema::of::<Payment>().to_string(), text);
/// ```
#[proc_macro_derive(Shape, attributes(shape))]
pub fn derive_shape(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, shape::expand, shape::fallback)
}

/// Implements `Projection` for the type of the block: the patterns of its methods are what it subscribes to.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[projection(name = "balances")]` | what its rows and its checkpoint are kept under: up to 64 lower-case letters, digits, `_` and `-`, beginning with a letter |
/// | `version = 2` | raised when the rows of old events should be others: they are computed anew; 1 when not given |
/// | `tables(Balance, Statement)` | the rows that it keeps, each a `Row` |
/// | `ignore(AccountEvent::Opened, ..)` | variants that nothing is done about |
/// | `ignore(AccountEvent::*)` | every variant that has no method, also such as are added later |
/// | `crate = path` | where annals is, if its own search in the manifest does not find it |
/// | `#[on(AccountEvent::Deposited { amount })]` | on a method: it is given these events; several times where it takes the same from each |
/// | `#[on_batch(max = 500)]` | on one method: it is given up to so many events at once, where there are several of one tenant |
///
/// Every variant of an enum that occurs is handled or ignored: a new one does not compile before somebody has thought of
/// it. A pattern is written `Enum::Variant`, with the enum always in the same way, and binds whole fields: `{ amount }`,
/// `{ amount: sum, .. }`, `(correction)`, or nothing. The method takes `&self` and, in any order,
///
/// * what the pattern binds, by name: references to the event's fields, each exactly once,
/// * `&EventContext<'_>`, by type: the record, the aggregate's id,
/// * `&mut Rows<'_>`, by type: the rows to read and change.
///
/// It is a plain `fn`, or an `async fn` where it reads rows, and returns nothing or a `Result<(), E>` of any error that
/// becomes a `BoxError`. The method with `#[on_batch(..)]` is alike and takes `&[Delivered<'_>]` and, if it wants them,
/// `&mut Rows<'_>`; it has to leave the same rows as the other methods, to which events go that come alone or failed
/// together (`Projection::handle_batch`). Methods without either stay what they are. A method under `#[cfg(..)]` is handed its events when
/// it is there; its variants count as handled in any case.
///
/// ```
/// use annals_macros::{Event, Row, projection};
/// use annals_projections::{BoxError, EventContext, Projection, Rows};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Event)]
/// #[event(prefix = "account")]
/// enum AccountEvent {
///     Opened { owner: String },
///     Deposited { cents: i64 },
///     Withdrawn { cents: i64 },
/// }
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// #[row(table = "balances")]
/// struct Balance {
///     #[row(key)]
///     account: String,
///     #[row(index)]
///     cents: i64,
/// }
///
/// struct Balances;
///
/// #[projection(name = "balances", tables(Balance), ignore(AccountEvent::Opened))]
/// impl Balances {
///     #[on(AccountEvent::Deposited { cents })]
///     async fn deposited(&self, cents: &i64, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
///         self.change(*cents, cx, rows).await
///     }
///
///     #[on(AccountEvent::Withdrawn { cents })]
///     async fn withdrawn(&self, cents: &i64, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
///         self.change(-cents, cx, rows).await
///     }
///
///     async fn change(&self, cents: i64, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
///         let account = cx.key().to_owned();
///         let before = rows.get::<Balance>(&account).await?.map_or(0, |balance| balance.cents);
///         rows.put(Balance { account, cents: before + cents })?;
///         Ok(())
///     }
/// }
///
/// assert_eq!((Balances::NAME, Balances::VERSION), ("balances", 1));
/// ```
#[proc_macro_attribute]
pub fn projection(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let attribute = projection::attribute(&arguments.into());
    let item = proc_macro2::TokenStream::from(item);
    let code = projection::expand(&attribute, item.clone());
    let code = code.unwrap_or_else(|error| explained(error, projection::fallback(&attribute, item)));
    code.into()
}

/// Implements `Saga` for the type of the block, which is the state of an instance: the patterns of its methods are what it
/// subscribes to.
///
/// The type is also `Default`, `Clone`, `Serialize` and `Deserialize`.
///
/// | attribute | meaning |
/// |---|---|
/// | `#[saga(name = "fulfilment")]` | what its instances are kept under, for ever: up to 64 lower-case letters, digits and `_`, beginning with a letter |
/// | `version = 2` | the version of the state's shape; 1 when not given |
/// | `from(1 = FulfilmentV1)` | states of older versions that instances may still have, with a step (`From` or `TryFrom`) from each to the next |
/// | `sends(Stock: Reserve, Release; Payment: prepared Charge)` | the commands that it sends, by the aggregates that take them; `prepared` such as the aggregate prepares; `joint: Transfer` are such as several things decide about together |
/// | `ignore(OrderEvent::Noted, ..)` | variants that nothing is done about |
/// | `ignore(OrderEvent::*)` | every variant that has no method, also such as are added later |
/// | `crate = path` | where annals is, if its own search in the manifest does not find it |
/// | `#[on(OrderEvent::Placed { lines }, starts)]` | on a method: it is given these events, each of which begins an instance |
/// | `starts, continues` | the event begins an instance, or is for one that has begun |
/// | `continues`, or neither | the event is for an instance that has begun |
/// | `key = order` | the instance: an expression of what the pattern binds and of `cx`, the `EventContext`, that gives anything with `Display`, or an `Option` of it; `None` when the event is for no instance, `?` when that cannot be told. The key of the event's stream when not given |
/// | `otherwise = ignore` | an event that meets no such instance is passed by; it is set aside when not given, or `set_aside` |
/// | `#[refused(Charge)]` | on a method: it is told that the command was refused |
/// | `#[timeout("reminder")]` | on a method: it is told that the timer is due |
///
/// Every variant of an enum that occurs is handled or ignored, and patterns are written as for [`macro@projection`]. A method
/// may be marked several times, where it takes the same from each. It is a plain `fn`, because it is run again when something
/// came in between, takes `&mut self` and returns nothing or a `Result<(), E>` of any error that becomes a `BoxError`. Its other
/// parameters are, in any order,
///
/// * with `#[on(..)]` what the pattern binds, by name: references to the event's fields, each once unless the key is made of it,
/// * with `#[on(..)]` `&EventContext<'_>`, by type: the record, the aggregate's id,
/// * with `#[refused(Charge)]` `&Charge` and `&Refusal<'_>`, by type: the command, and why it was refused,
/// * `&mut Step<'_, Self>`, by type: commands to send, timers to set, the end.
///
/// A command that is refused, or a timer that is due, without a method for that is set aside (`Unhandled`). A method under
/// `#[cfg(..)]` takes its inputs when it is there; its variants count as handled in any case. Methods without any of these
/// attributes stay what they are.
///
/// ```
/// use std::time::Duration;
///
/// use annals_core::{Decision, Evolve, Handle};
/// use annals_macros::{Aggregate, Command, Event, saga};
/// use annals_sagas::{Saga, Step};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Event)]
/// #[event(prefix = "order")]
/// enum OrderEvent {
///     Placed { cents: u64 },
///     Noted { text: String },
/// }
///
/// #[derive(Clone, Serialize, Deserialize, Event)]
/// #[event(prefix = "payment")]
/// enum PaymentEvent {
///     Charged { order: String },
/// }
///
/// #[derive(Clone, Serialize, Deserialize, Command)]
/// struct Charge { cents: u64 }
/// # #[derive(Default, Clone, Aggregate)]
/// # #[aggregate(name = "payment", event = PaymentEvent)]
/// # struct Payment;
/// # impl Evolve<PaymentEvent> for Payment {
/// #     fn evolve(&mut self, _: &PaymentEvent) {}
/// # }
/// # impl Handle<Charge> for Payment {
/// #     type Reply = ();
/// #     type Error = &'static str;
/// #     fn handle(_: &mut Decision<Self>, _: Charge) -> Result<(), &'static str> { Err("the card is no more") }
/// # }
///
/// #[derive(Default, Clone, Serialize, Deserialize)]
/// struct Fulfilment {
///     cents: u64,
/// }
///
/// #[saga(name = "fulfilment", sends(Payment: Charge), ignore(OrderEvent::Noted))]
/// impl Fulfilment {
///     #[on(OrderEvent::Placed { cents }, starts)]
///     fn placed(&mut self, cents: &u64, step: &mut Step<'_, Self>) {
///         self.cents = *cents;
///         self.charge(step);
///     }
///
///     #[on(PaymentEvent::Charged { order }, key = order)]
///     fn charged(&mut self, step: &mut Step<'_, Self>) {
///         step.complete();
///     }
///
///     #[refused(Charge)]
///     fn declined(&mut self, step: &mut Step<'_, Self>) {
///         step.schedule("once-more", Duration::from_secs(3600));
///     }
///
///     #[timeout("once-more")]
///     fn charge(&mut self, step: &mut Step<'_, Self>) {
///         let payment = format!("of-{}", step.key());
///         step.send::<Payment, _>(payment, Charge { cents: self.cents });
///     }
/// }
///
/// assert_eq!((Fulfilment::NAME, Fulfilment::VERSION), ("fulfilment", 1));
/// assert_eq!(Fulfilment::commands().names().collect::<Vec<_>>(), [("payment", "charge")]);
/// ```
#[proc_macro_attribute]
pub fn saga(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let attribute = saga::attribute(&arguments.into());
    let item = proc_macro2::TokenStream::from(item);
    let code = saga::expand(&attribute, item.clone());
    let code = code.unwrap_or_else(|error| explained(error, saga::fallback(&attribute, item)));
    code.into()
}

#[doc = include_str!("doc/reaction.md")]
#[proc_macro_attribute]
pub fn reaction(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let attribute = reaction::attribute(&arguments.into());
    let item = proc_macro2::TokenStream::from(item);
    let code = reaction::expand(&attribute, item.clone());
    let code = code.unwrap_or_else(|error| explained(error, reaction::fallback(&attribute, item)));
    code.into()
}

/// Implements `Row` for a struct: a row of one table of a read model.
///
/// The struct is also `Clone`, `Serialize` and `Deserialize`. Key and indexes are of up to six fields, each a `RowKey`.
///
/// | attribute | on | meaning |
/// |---|---|---|
/// | `#[row(table = "balances")]` | the struct | the table: named as projections are |
/// | `#[row(key)]` | a field | what tells one row from another; several such fields are a key in the order of declaration, a tuple |
/// | `#[row(index)]`, `#[row(index = "largest")]` | a field | the rows are also found by this field; the index is named as the field when not given |
/// | `#[row(unique)]`, `#[row(unique = "iban")]` | a field | the same, where no two rows may have the same value |
/// | `index(name = "owner_amount", fields(owner, amount))` | the struct | an index of several fields; `unique(..)` alike |
/// | `keyed_by_lane` | the struct | the key begins with the key of the lane, so that several lanes never write the same row |
/// | `crate = path` | the struct | where annals is, if its own search in the manifest does not find it |
///
/// Each index is a constant of the struct, as visible as the struct: `BY_` and the index's name in capitals.
///
/// ```
/// use annals_macros::Row;
/// use annals_projections::{KeyBytes, Row as _};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize, Row)]
/// #[row(table = "statements", index(name = "owner_month", fields(owner, month)))]
/// struct Statement {
///     #[row(key)]
///     account: String,
///     #[row(key)]
///     month: u32,
///     owner: String,
///     #[row(index = "turnover")]
///     cents: i64,
/// }
///
/// let statement = Statement { account: "a1".into(), month: 7, owner: "ada".into(), cents: 100 };
/// let mut key = KeyBytes::new();
/// statement.write_key(&mut key);
/// assert_eq!(key, KeyBytes::of(&("a1", 7_u32)));
/// assert_eq!(format!("{:?}", Statement::BY_TURNOVER), "TableIndex(statements.turnover)");
/// assert_eq!(Statement::INDEXES[Statement::BY_OWNER_MONTH.number()].name, "owner_month");
/// ```
#[proc_macro_derive(Row, attributes(row))]
pub fn derive_row(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, row::expand, row::fallback)
}

/// Implements `RowKey`, by which rows are found and ordered: for a struct its fields one after the other, for an enum
/// without fields the order of declaration.
///
/// A variant that is added before others changes the keys of those: raise the version of the projections that use it.
/// `#[row_key(crate = path)]` says where annals is.
///
/// ```
/// use annals_macros::RowKey;
/// use annals_projections::KeyBytes;
///
/// #[derive(RowKey)]
/// struct Shelf { floor: i8, name: String }
///
/// #[derive(RowKey)]
/// enum Level { Low, High }
///
/// let cellar = KeyBytes::of(&Shelf { floor: -1, name: "wine".into() });
/// assert!(cellar < KeyBytes::of(&Shelf { floor: 0, name: "bread".into() }));
/// assert!(KeyBytes::of(&Level::Low) < KeyBytes::of(&Level::High));
/// ```
#[proc_macro_derive(RowKey, attributes(row_key))]
pub fn derive_row_key(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, row_key::expand, row_key::fallback)
}

/// The code, or the messages and a stub.
fn expand(
    input: &DeriveInput,
    expand: fn(&DeriveInput) -> darling::Result<proc_macro2::TokenStream>,
    fallback: fn(&DeriveInput, &darling::Error) -> proc_macro2::TokenStream,
) -> TokenStream {
    let code = expand(input).unwrap_or_else(|error| {
        let stub = fallback(input, &error);
        explained(error, stub)
    });
    code.into()
}

/// The messages and a stub.
fn explained(error: darling::Error, stub: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let mut code = error.write_errors();
    code.extend(stub);
    code
}
