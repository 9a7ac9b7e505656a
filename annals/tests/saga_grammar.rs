//! Sagas as they are written, in a crate that knows nothing but the facade and serde.

use std::{fmt, num::TryFromIntError, time::Duration};

use annals::{
    Incoming, MemoryStore, Preparation, Prepare, Subscription, codec,
    prelude::*,
    sagas::{Begin, SagaOptions},
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

mod orders {
    use annals::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[event(prefix = "order")]
    pub(super) enum OrderEvent {
        Placed { units: u64 },
        Noted { text: String },
        Confirmed,
        Cancelled { reason: String },
    }

    #[derive(Debug, Default, Clone, Aggregate)]
    #[aggregate(name = "order", id = super::OrderId, event = OrderEvent)]
    pub(super) struct Order;

    impl Evolve<OrderEvent> for Order {
        fn evolve(&mut self, _: &OrderEvent) {}
    }
}

use orders::{Order, OrderEvent};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AggregateId)]
struct OrderId(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "stock")]
enum StockEvent {
    Counted(u64),
    Reserved { order: OrderId, units: u64 },
    Released { order: OrderId },
    Lost { order: Option<OrderId> },
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "stock", event = StockEvent)]
struct Stock;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "payment")]
enum PaymentEvent {
    Charged { cents: u64 },
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "payment", event = PaymentEvent)]
struct Payment;

impl Evolve<StockEvent> for Stock {
    fn evolve(&mut self, _: &StockEvent) {}
}

impl Evolve<PaymentEvent> for Payment {
    fn evolve(&mut self, _: &PaymentEvent) {}
}

/// Commands, and what each of them leads to.
macro_rules! commands {
    ($($aggregate:ident: $command:ident => $event:expr;)+) => {
        $(
            impl Handle<$command> for $aggregate {
                type Reply = ();
                type Error = String;
                fn handle(decision: &mut Decision<Self>, command: $command) -> Result<(), String> {
                    decision.emit($event(command));
                    Ok(())
                }
            }
        )+
    };
}

commands! {
    Order: Place => |place: Place| OrderEvent::Placed { units: place.units };
    Order: Confirm => |_| OrderEvent::Confirmed;
    Order: Cancel => |cancel: Cancel| OrderEvent::Cancelled { reason: cancel.reason };
    Stock: Reserve => |Reserve { order, units }| StockEvent::Reserved { order, units };
    Stock: Release => |release: Release| StockEvent::Released { order: release.order };
    Payment: Charge => |charge: Charge| PaymentEvent::Charged { cents: charge.cents };
}

#[derive(Debug, Clone)]
struct Place {
    units: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Confirm;

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Cancel {
    reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Reserve {
    order: OrderId,
    units: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Release {
    order: OrderId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[command(version = 3, from(1 = ChargeV1, 2 = ChargeV2))]
struct Charge {
    cents: u64,
}

#[derive(Serialize, Deserialize)]
struct ChargeV1 {
    euros: u64,
}

#[derive(Serialize, Deserialize)]
struct ChargeV2 {
    cents: i64,
}

impl From<ChargeV1> for ChargeV2 {
    fn from(old: ChargeV1) -> Self {
        Self { cents: i64::try_from(old.euros * 100).unwrap() }
    }
}

impl TryFrom<ChargeV2> for Charge {
    type Error = TryFromIntError;
    fn try_from(old: ChargeV2) -> Result<Self, Self::Error> {
        Ok(Self { cents: old.cents.try_into()? })
    }
}

/// The most that a card pays.
struct Card(u64);

impl Prepare<Charge> for Payment {
    type Service = Card;
    type Prepared = Charge;
    type Error = String;
    async fn prepare(_: Preparation<'_, Self>, charge: Charge, card: &Card) -> Result<Charge, String> {
        if charge.cents > card.0 { Err(format!("the card pays {}", card.0)) } else { Ok(charge) }
    }
}

/// An error of our own, which is no `BoxError`.
#[derive(Debug)]
struct NothingReserved;

impl fmt::Display for NothingReserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing was reserved")
    }
}

impl std::error::Error for NothingReserved {}

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Fulfilment {
    units: u64,
}

#[derive(Serialize, Deserialize)]
struct FulfilmentV1 {
    dozens: u64,
}

impl From<FulfilmentV1> for Fulfilment {
    fn from(old: FulfilmentV1) -> Self {
        Self { units: old.dozens * 12 }
    }
}

#[annals::saga(
    name = "fulfilment",
    version = 2,
    from(1 = FulfilmentV1),
    sends(Order: Confirm, Cancel; Stock: Reserve, Release; Payment: prepared Charge),
    ignore(OrderEvent::Noted, OrderEvent::Confirmed, OrderEvent::Cancelled, StockEvent::*)
)]
impl Fulfilment {
    #[on(OrderEvent::Placed { units }, starts)]
    fn placed(&mut self, units: &u64, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        self.units = *units;
        let order = OrderId::from_key(step.key()).ok_or("no order")?;
        let undo = Undo::by::<Stock, _>("s1", Release { order: order.clone() });
        step.perform::<Stock, _>("s1", Reserve { order, units: *units }, undo);
        Ok(())
    }

    #[on(StockEvent::Reserved { order, units }, key = order, otherwise = ignore)]
    fn reserved(&mut self, step: &mut Step<'_, Self>, units: &u64) -> Result<(), NothingReserved> {
        if *units == 0 {
            return Err(NothingReserved);
        }
        step.send::<Payment, _>(step.key().to_owned(), Charge { cents: self.price() });
        Ok(())
    }

    #[on(PaymentEvent::Charged { .. }, key = cx.key())]
    fn charged(&mut self, step: &mut Step<'_, Self>) {
        step.schedule("thanks", Duration::ZERO);
    }

    #[timeout("thanks")]
    fn thank(&mut self, step: &mut Step<'_, Self>) {
        step.send::<Order, _>(step.key(), Confirm);
        step.complete();
    }

    #[refused(Charge)]
    fn declined(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>, charge: &Charge) {
        let reason = format!("{}, not {}", refusal.reason(), charge.cents);
        step.send::<Order, _>(step.key(), Cancel { reason });
        step.compensate();
    }

    /// No handler.
    fn price(&self) -> u64 {
        self.units * 100
    }
}

/// The same, written by hand.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct ByHand {
    units: u64,
}

impl SendsTo<Order, Confirm> for ByHand {}
impl SendsTo<Order, Cancel> for ByHand {}
impl SendsTo<Stock, Reserve> for ByHand {}
impl SendsTo<Stock, Release> for ByHand {}
impl SendsTo<Payment, Charge> for ByHand {}

impl Saga for ByHand {
    const NAME: &'static str = "by_hand";
    const VERSION: u32 = 1;

    fn subscription() -> Subscription {
        Subscription::new()
            .kinds(annals::kinds![OrderEvent::Placed])
            .kinds(annals::kinds![StockEvent::Reserved])
            .kinds(annals::kinds![PaymentEvent::Charged])
    }

    fn commands() -> Commands {
        let commands = Commands::new().with::<Order, Confirm>().with::<Order, Cancel>();
        commands.with::<Stock, Reserve>().with::<Stock, Release>().prepared::<Payment, Charge>()
    }

    fn receive(event: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        if let Some(StockEvent::Reserved { order, .. }) = event.get() {
            return Ok(Some(Reception::continues(order.to_string()).otherwise(Otherwise::Ignore)));
        }
        let is_order = event.get::<OrderEvent>().is_some();
        Ok(Some(if is_order { Reception::starts(cx.key()) } else { Reception::continues(cx.key()) }))
    }

    fn handle(&mut self, event: Incoming<'_>, _: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        if let Some(OrderEvent::Placed { units }) = event.get() {
            self.units = *units;
            let order = OrderId::from(step.key());
            let undo = Undo::by::<Stock, _>("s1", Release { order: order.clone() });
            step.perform::<Stock, _>("s1", Reserve { order, units: *units }, undo);
        } else if event.get::<StockEvent>().is_some() {
            step.send::<Payment, _>(step.key().to_owned(), Charge { cents: self.units * 100 });
        } else {
            step.schedule("thanks", Duration::ZERO);
        }
        Ok(())
    }

    fn refused(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let charge = refusal.command::<Charge>().ok_or("no charge")?;
        let reason = format!("{}, not {}", refusal.reason(), charge.cents);
        step.send::<Order, _>(step.key(), Cancel { reason });
        step.compensate();
        Ok(())
    }

    fn timeout(&mut self, _: &str, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        step.send::<Order, _>(step.key(), Confirm);
        step.complete();
        Ok(())
    }
}

/// Stream, type and payload of a record.
type Told = (String, String, Vec<u8>);

/// What is in the log once all that follows from two orders is done, by stream. Of the saga's own records only that they are
/// there: they hold positions and times.
async fn log_of<S: Saga>() -> Vec<Told> {
    let options = SagaOptions::default().begin(Begin::AtTheBeginning);
    let annals = Annals::over(MemoryStore::new()).service(Card(1000)).saga_with::<S>(options).open().await.unwrap();
    annals.on::<Order>(OrderId::from("cheap")).send(Place { units: 3 }).await.unwrap();
    annals.on::<Order>(OrderId::from("dear")).send(Place { units: 11 }).await.unwrap();
    let saga = annals.saga::<S>().unwrap();
    saga.settled().await.unwrap();
    assert!(saga.aside().await.unwrap().is_empty());
    let records: Vec<_> = annals.store().read_log(annals::ReadLog::all()).try_collect().await.unwrap();
    annals.shut_down().await;
    let mut log: Vec<_> = records.iter().map(|record| told::<S>(record)).collect();
    // Two instances take turns in any order.
    log.sort();
    log
}

fn told<S: Saga>(record: &annals::Record) -> Told {
    let (stream, event_type) = (record.stream().to_string(), record.event_type().as_str().to_owned());
    match stream.strip_prefix(&format!("saga:{}-", S::NAME)) {
        Some(instance) => (format!("saga-{instance}"), event_type, Vec::new()),
        None => (stream, event_type, record.payload().to_vec()),
    }
}

#[tokio::test]
async fn a_saga_runs_to_its_end_as_one_that_is_written_by_hand() {
    let log = log_of::<Fulfilment>().await;
    let of = |stream: &str| {
        let records = log.iter().filter(|(of, ..)| of == stream);
        records.map(|(_, event_type, _)| event_type.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(of("order-cheap"), ["order.confirmed", "order.placed"]);
    assert_eq!(of("payment-cheap"), ["payment.charged"]);
    assert_eq!(of("order-dear"), ["order.cancelled", "order.placed"]);
    assert!(of("payment-dear").is_empty());
    assert_eq!(of("stock-s1"), ["stock.released", "stock.reserved", "stock.reserved"]);
    // Two events and a timer; two events, a refusal, and that what was performed is undone.
    assert_eq!((of("saga-cheap").len(), of("saga-dear").len()), (4, 4));
    assert_eq!(log, log_of::<ByHand>().await);
}

#[test]
fn the_patterns_are_the_subscription_and_what_it_sends_is_found_again() {
    assert_eq!((Fulfilment::NAME, Fulfilment::VERSION), ("fulfilment", 2));
    assert_eq!(Fulfilment::subscription().query(), ByHand::subscription().query());
    let sent: Vec<_> = Fulfilment::commands().names().collect();
    assert_eq!(sent, ByHand::commands().names().collect::<Vec<_>>());
}

#[test]
fn states_and_commands_of_older_versions_are_read() {
    let [former] = Fulfilment::PAST else { panic!("{:?}", Fulfilment::PAST) };
    let bytes = codec::encode("state", &FulfilmentV1 { dozens: 2 }).unwrap();
    assert_eq!((former.version, (former.decode)(&bytes)), (1, Ok(Fulfilment { units: 24 })));

    let [first, second] = Charge::PAST else { panic!("{:?}", Charge::PAST) };
    let bytes = codec::encode("command", &ChargeV1 { euros: 3 }).unwrap();
    assert_eq!((first.version, (first.decode)(&bytes)), (1, Ok(Charge { cents: 300 })));
    let bytes = codec::encode("command", &ChargeV2 { cents: -1 }).unwrap();
    assert!((second.decode)(&bytes).is_err_and(|error| error.to_string().contains("out of range")));
    assert!((second.decode)(b"nonsense").is_err());
    assert!(Reserve::PAST.is_empty() && ByHand::PAST.is_empty());
}

/// What a method, a key or a block may be beside the usual.
mod unusual {
    use std::marker::PhantomData;

    use annals::{Record, Store};

    use super::*;

    trait Rules: Default + Clone + Send + Sync + 'static {
        const PREFIX: &'static str;
    }

    #[derive(Debug, Default, Clone)]
    struct Strict;

    impl Rules for Strict {
        const PREFIX: &'static str = "strict";
    }

    #[derive(Debug, Default, Clone, Serialize, Deserialize)]
    struct Watch<R> {
        seen: u64,
        #[serde(skip)]
        rules: PhantomData<R>,
    }

    #[derive(Deserialize)]
    struct WatchV1 {}

    impl<R> From<WatchV1> for Watch<R> {
        fn from(_: WatchV1) -> Self {
            Self { seen: 0, rules: PhantomData }
        }
    }

    fn lower(id: &OrderId) -> String {
        id.to_string().to_lowercase()
    }

    #[saga(name = "watch", version = 2, from(1 = WatchV1), ignore(OrderEvent::*), crate = annals)]
    impl<R> Watch<R>
    where
        R: Rules,
    {
        #[allow(clippy::unnecessary_wraps, reason = "attributes stay")]
        #[on(OrderEvent::Placed { units }, starts, continues, key = format!("{}-{}-{units}", R::PREFIX, cx.key()))]
        #[on(OrderEvent::Cancelled { reason: units }, key = units.parse::<u64>()?, otherwise = set_aside)]
        fn began(&mut self) -> Result<(), String> {
            self.seen += 1;
            Ok(())
        }

        /// Names that mean something else elsewhere.
        #[on(StockEvent::Reserved { order: context, units: event }, continues, key = lower(context), otherwise = ignore)]
        fn reserved<'a>(&mut self, event: &u64, of: &EventContext<'a>) {
            self.seen += *event + of.index() as u64;
        }

        #[on(StockEvent::Lost { order: cx }, key = cx,)]
        #[timeout("late")]
        fn lost(&mut self) {
            self.seen = 0;
        }

        #[on(StockEvent::Released { order }, key = Some(order).filter(|id| id.0 != "none"))]
        fn released(&self, order: &OrderId) {
            let _ = order;
        }

        #[cfg(any())]
        #[on(StockEvent::Counted(units), starts)]
        fn counted(&mut self, units: &NoSuchType) {}

        #[cfg(not(any()))]
        #[on(StockEvent::Counted(units), starts, key = units)]
        #[timeout("count")]
        fn counted(&mut self) {}

        #[cfg(any())]
        #[timeout("count")]
        fn recounted(&mut self) {}
    }

    async fn received<E: Event>(event: E) -> Result<Option<Reception>, String> {
        let store = MemoryStore::new();
        // Any stream will do.
        let placed = OrderEvent::Placed { units: 0 };
        store.commit(annals::testing::commit_of::<Order>("o1", [placed])).await.unwrap();
        let records: Vec<Record> = store.read_log(annals::ReadLog::all()).try_collect().await.unwrap();
        let context = EventContext::new(&records[0], 0);
        Watch::<Strict>::receive(Incoming::of(&event), &context).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_key_is_any_expression() {
        let expected = Reception::starts_or_continues("strict-o1-7");
        assert_eq!(received(OrderEvent::Placed { units: 7 }).await, Ok(Some(expected)));
        let numbered = |reason: &str| received(OrderEvent::Cancelled { reason: reason.into() });
        assert_eq!(numbered("12").await, Ok(Some(Reception::continues("12"))));
        assert_eq!(numbered("late").await, Err("invalid digit found in string".to_owned()));
        assert_eq!(received(OrderEvent::Confirmed).await, Ok(None));
        let reserved = StockEvent::Reserved { order: "A1".into(), units: 1 };
        let expected = Reception::continues("a1").otherwise(Otherwise::Ignore);
        assert_eq!(received(reserved).await, Ok(Some(expected)));
        assert_eq!(received(StockEvent::Counted(5)).await, Ok(Some(Reception::starts("5"))));
    }

    #[tokio::test]
    async fn a_key_that_is_none_is_of_no_instance() {
        assert_eq!(received(StockEvent::Lost { order: None }).await, Ok(None));
        let lost = StockEvent::Lost { order: Some("o2".into()) };
        assert_eq!(received(lost).await, Ok(Some(Reception::continues("o2"))));
        assert_eq!(received(StockEvent::Released { order: "none".into() }).await, Ok(None));
        let released = StockEvent::Released { order: "o3".into() };
        assert_eq!(received(released).await, Ok(Some(Reception::continues("o3"))));
        assert_eq!(Watch::<Strict>::PAST.len(), 1);
    }
}
