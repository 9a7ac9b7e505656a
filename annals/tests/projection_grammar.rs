//! Projections as they are written, in a crate that knows nothing but the facade and serde.

use std::fmt;

use annals::{KeyBytes, Subscription, TableIndex, prelude::*, projections::testing::ProjectionTest};
use serde::{Deserialize, Serialize};

mod domain {
    use annals::prelude::*;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
    #[event(prefix = "customer")]
    pub(super) enum CustomerEvent {
        Renamed { name: String },
        Moved { to: String },
        Left,
    }

    #[derive(Debug, Default, Clone, Aggregate)]
    #[aggregate(name = "customer", event = CustomerEvent)]
    pub(super) struct Customer;

    impl Evolve<CustomerEvent> for Customer {
        fn evolve(&mut self, _: &CustomerEvent) {}
    }
}

use domain::Customer;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
enum AccountEvent {
    Opened { owner: CustomerId },
    Deposited { amount: i64, reason: Option<String> },
    InterestPaid { amount: i64, rows: u8, cx: u8 },
    Withdrawn { amount: i64 },
    Corrected(Correction),
    Frozen,
    Closed,
    Audited { by: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Correction {
    amount: i64,
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "account", id = AccountId, event = AccountEvent)]
struct Account;

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, _: &AccountEvent) {}
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, AggregateId, RowKey)]
struct AccountId(String);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, AggregateId, RowKey)]
struct CustomerId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, RowKey)]
enum Standing {
    Closed,
    Frozen,
    Open,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "balances", index(name = "standing-amount", fields(standing, amount)))]
struct Balance {
    #[row(key)]
    account: AccountId,
    #[row(index = "of_owner")]
    owner: CustomerId,
    standing: Standing,
    #[row(index)]
    amount: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "names", keyed_by_lane)]
struct Name(#[row(key)] CustomerId, #[row(key)] u64, #[row(unique = "name")] String);

/// An error of our own, which is no `BoxError`.
#[derive(Debug)]
struct Overdrawn(i64);

impl fmt::Display for Overdrawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "overdrawn by {}", self.0)
    }
}

impl std::error::Error for Overdrawn {}

/// Its field is what a projection may hold: what never changes.
struct Balances {
    standing: Standing,
}

impl Balances {
    const OPEN: Self = Self { standing: Standing::Open };
}

#[annals::projection(
    name = "balances",
    version = 3,
    tables(Balance, Name),
    ignore(AccountEvent::Audited, domain::CustomerEvent::*)
)]
impl Balances {
    #[on(AccountEvent::Opened { owner })]
    fn opened(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>, owner: &CustomerId) -> Result<(), BoxError> {
        let account = cx.id::<AccountId>()?;
        rows.put(Balance { account, owner: owner.clone(), standing: self.standing, amount: 0 })?;
        Ok(())
    }

    /// Several variants, which bind the same.
    #[on(AccountEvent::Deposited { amount, .. })]
    #[on(AccountEvent::InterestPaid { amount, rows: _, cx: _ })]
    async fn deposited(&self, amount: &i64, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        self.change(*amount, cx, rows).await
    }

    #[on(AccountEvent::Withdrawn { amount: sum })]
    async fn withdrawn(&self, rows: &mut Rows<'_>, sum: &i64, of: &EventContext<'_>) -> Result<(), BoxError> {
        self.change(-sum, of, rows).await
    }

    #[on(AccountEvent::Corrected(correction))]
    async fn corrected(
        &self,
        correction: &Correction,
        cx: &EventContext<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), BoxError> {
        self.change(correction.amount, cx, rows).await
    }

    #[on(AccountEvent::Frozen)]
    async fn frozen(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), annals::projections::RowsError> {
        let frozen = |balance: Option<Balance>| Some(Balance { standing: Standing::Frozen, ..balance? });
        rows.update(AccountId::from(cx.key()), frozen).await
    }

    #[on(AccountEvent::Closed)]
    fn closed(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), annals::projections::RowsError> {
        rows.delete::<Balance>(AccountId::from(cx.key()))
    }

    #[on(domain::CustomerEvent::Renamed { name: to })]
    fn renamed(&self, to: &str, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        rows.put(Name(CustomerId::from(cx.key()), cx.record().version().get(), to.to_owned()))?;
        Ok(())
    }

    /// No handler.
    async fn change(&self, by: i64, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
        let account = cx.id::<AccountId>()?;
        let Some(balance) = rows.get::<Balance>(&account).await? else { return Err("no account".into()) };
        let amount = balance.amount + by;
        if amount < 0 {
            return Err(Overdrawn(-amount).into());
        }
        rows.put(Balance { amount, ..balance })?;
        Ok(())
    }
}

fn balance(account: &str, owner: &str, standing: Standing, amount: i64) -> Balance {
    Balance { account: account.into(), owner: owner.into(), standing, amount }
}

fn opened(owner: &str) -> AccountEvent {
    AccountEvent::Opened { owner: owner.into() }
}

fn deposited(amount: i64) -> AccountEvent {
    AccountEvent::Deposited { amount, reason: None }
}

#[test]
fn the_patterns_are_the_subscription() {
    use domain::CustomerEvent;
    assert_eq!((Balances::NAME, Balances::VERSION), ("balances", 3));
    let found = Balances::OPEN.subscription().query();
    let written = Subscription::new()
        .kinds(annals::kinds![
            AccountEvent::Opened,
            AccountEvent::Deposited,
            AccountEvent::InterestPaid,
            AccountEvent::Withdrawn,
            AccountEvent::Corrected,
            AccountEvent::Frozen,
            AccountEvent::Closed
        ])
        .kinds(annals::kinds![CustomerEvent::Renamed]);
    assert_eq!(found, written.query());
    assert_eq!(format!("{:?}", Balances::OPEN.tables()), "[\"balances\", \"names\"]");
}

#[tokio::test]
async fn each_event_goes_to_its_method() {
    let rows = ProjectionTest::new(Balances::OPEN)
        .given::<Account>("a1", [opened("ada"), deposited(100), AccountEvent::Withdrawn { amount: 30 }])
        .given::<Account>("a2", [opened("bob"), AccountEvent::InterestPaid { amount: 5, rows: 1, cx: 2 }])
        .given::<Account>("a2", [AccountEvent::Corrected(Correction { amount: -2 }), AccountEvent::Frozen])
        .given::<Account>("a3", [opened("ada"), AccountEvent::Audited { by: "eve".into() }, AccountEvent::Closed])
        .given::<Customer>("ada", [domain::CustomerEvent::Moved { to: "Bath".into() }])
        .given::<Customer>(
            "ada",
            [domain::CustomerEvent::Renamed { name: "Ada L.".into() }, domain::CustomerEvent::Left],
        )
        .rows()
        .await;
    let (a1, a2) = (balance("a1", "ada", Standing::Open, 70), balance("a2", "bob", Standing::Frozen, 3));
    assert_eq!(rows.all::<Balance>(), [a1.clone(), a2.clone()]);
    assert_eq!(rows.by(Balance::BY_STANDING_AMOUNT), [a2, a1]);
    assert_eq!(rows.row::<Name>((CustomerId::from("ada"), 2)), Some(Name("ada".into(), 2, "Ada L.".into())));
}

#[tokio::test]
async fn an_error_of_a_method_is_the_error_of_the_projection() {
    let overdrawn = ProjectionTest::new(Balances::OPEN)
        .given::<Account>("a1", [opened("ada"), AccountEvent::Withdrawn { amount: 30 }])
        .fails()
        .await;
    assert!(overdrawn.downcast_ref::<Overdrawn>().is_some_and(|overdrawn| overdrawn.0 == 30), "{overdrawn}");
    let missing = ProjectionTest::new(Balances::OPEN).given::<Account>("a1", [deposited(1)]).fails().await;
    assert_eq!(missing.to_string(), "no account");
}

#[test]
fn a_row_is_found_by_its_key_and_by_its_indexes() {
    let row = balance("a1", "ada", Standing::Frozen, -5);
    let mut key = KeyBytes::new();
    row.write_key(&mut key);
    assert_eq!(key, KeyBytes::of(&AccountId::from("a1")));
    assert_eq!(key, KeyBytes::of("a1"));
    let names: Vec<_> = Balance::INDEXES.iter().map(|index| (index.name, index.unique)).collect();
    assert_eq!(names, [("of_owner", false), ("amount", false), ("standing-amount", false)]);
    assert!(is_written(&row, Balance::BY_OF_OWNER, &CustomerId::from("ada")));
    assert!(is_written(&row, Balance::BY_AMOUNT, &-5));
    assert!(is_written(&row, Balance::BY_STANDING_AMOUNT, &(Standing::Frozen, -5)));
    assert!(!is_written(&row, Balance::BY_AMOUNT, &5));

    let name = Name("ada".into(), 7, "Ada".into());
    let mut key = KeyBytes::new();
    name.write_key(&mut key);
    assert_eq!(key, KeyBytes::of(&(CustomerId::from("ada"), 7_u64)));
    assert!(is_written(&name, Name::BY_NAME, &"Ada".to_owned()));
    assert!(Name::KEYED_BY_LANE && !Balance::KEYED_BY_LANE && Name::INDEXES[0].unique);
}

fn is_written<R: Row, K: RowKey>(row: &R, index: TableIndex<R, K>, value: &K) -> bool {
    let mut key = KeyBytes::new();
    row.write_index(index.number(), &mut key);
    key == KeyBytes::of(value)
}

#[test]
fn a_row_says_what_it_is_stored_as() {
    let schema = Balance::schema().unwrap().to_string();
    let expected = "{ account: opaque(\"AccountId\"), owner: opaque(\"CustomerId\"), standing: opaque(\"Standing\"), amount: i64 }";
    assert_eq!(schema, expected);
    assert_eq!(Name::schema().unwrap().to_string(), "(opaque(\"CustomerId\"), u64, text)");
}

#[test]
fn derived_keys_are_in_the_order_of_the_values() {
    let standings = [Standing::Closed, Standing::Frozen, Standing::Open];
    assert!(standings.map(|standing| KeyBytes::of(&standing)).is_sorted_by(|one, next| one < next));
    #[derive(Clone, PartialEq, PartialOrd, RowKey)]
    struct Part<T> {
        name: String,
        number: T,
    }
    let part = |name: &str, number| Part { name: name.to_owned(), number };
    let parts = [part("", 3), part("a", -1), part("a", 0), part("a\0", -9), part("ab", -9)];
    assert!(parts.is_sorted() && parts.map(|part| KeyBytes::of(&part)).is_sorted_by(|one, next| one < next));
}

/// What a method or a block may be beside the usual.
mod unusual {
    use std::{
        marker::PhantomData,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use super::*;

    struct Counts<R>(PhantomData<fn() -> R>);

    trait Counted: Row {
        fn counted(account: &str) -> Self;
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "counts")]
    struct Count {
        #[row(key)]
        account: String,
    }

    impl Counted for Count {
        fn counted(account: &str) -> Self {
            Self { account: account.to_owned() }
        }
    }

    #[projection(name = "counts", tables(R), ignore(AccountEvent::*, domain::CustomerEvent::Moved, domain::CustomerEvent::Left))]
    impl<R> Counts<R>
    where
        R: Counted,
    {
        #[allow(clippy::unnecessary_wraps, reason = "attributes stay")]
        #[on(AccountEvent::Closed)]
        fn closed<'a>(&self, cx: &EventContext<'a>, rows: &mut Rows<'_>) -> Result<(), &'static str> {
            rows.put(R::counted(cx.key())).map_err(|_| "it cannot be put")
        }

        #[on(AccountEvent::Frozen)]
        fn frozen(&self) {}

        /// Names that mean something else elsewhere.
        #[on(AccountEvent::InterestPaid { amount: event, rows, cx: context })]
        fn interest_paid(&self, event: &i64, out: &mut Rows<'_>, rows: &u8, context: &u8) -> Result<(), BoxError> {
            Ok(out.put(R::counted(&format!("{event} {rows} {context}")))?)
        }

        #[on(domain::CustomerEvent::Renamed { name: mut_name })]
        async fn renamed(&self, mut_name: &String) {
            std::future::ready(mut_name).await;
        }

        #[cfg(any())]
        #[on(AccountEvent::Opened { owner })]
        fn opened(&self, owner: &NoSuchType) {}

        #[cfg(not(any()))]
        #[on(AccountEvent::Opened { .. })]
        fn opened(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), String> {
            rows.put(R::counted(cx.key())).map_err(|error| error.to_string())
        }
    }

    #[tokio::test]
    async fn generics_conditions_and_any_error_are_possible() {
        let counts = Counts::<Count>(PhantomData);
        assert_eq!(counts.subscription().query().items()[0].types.len(), 5);
        let rows = ProjectionTest::new(counts)
            .given::<Account>("a1", [opened("ada"), AccountEvent::Frozen])
            .given::<Account>("a2", [AccountEvent::InterestPaid { amount: -1, rows: 1, cx: 2 }, AccountEvent::Closed])
            .given::<Customer>("ada", [domain::CustomerEvent::Renamed { name: "Ada".into() }])
            .rows()
            .await;
        assert_eq!(rows.all::<Count>(), ["-1 1 2", "a1", "a2"].map(Count::counted));
    }

    /// Counts how often several events came at once.
    struct AtOnce<R>(Arc<AtomicUsize>, PhantomData<fn() -> R>);

    #[projection(name = "at-once", tables(R), ignore(AccountEvent::*))]
    impl<R: Counted> AtOnce<R> {
        #[on(AccountEvent::Closed)]
        fn closed(&self, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
            Ok(rows.put(R::counted(cx.key()))?)
        }

        #[cfg(any())]
        #[on_batch(max = 7)]
        fn all(&self, events: &[Delivered<NoSuchType>]) {}

        #[cfg(not(any()))]
        #[on_batch(max = 3)]
        async fn all(
            &self,
            rows: &mut Rows<'_>,
            closed: &[Delivered<'_>],
        ) -> Result<(), annals::projections::RowsError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            closed.iter().try_for_each(|event| rows.put(R::counted(event.context().key())))
        }
    }

    #[tokio::test]
    async fn a_method_may_take_several_events_at_once() {
        assert_eq!((<AtOnce<Count> as Projection>::BATCH, <Counts<Count> as Projection>::BATCH), (3, 1));
        let store = annals::MemoryStore::new();
        let closed = ["a", "b", "c", "d", "e"].map(|account| (account, AccountEvent::Closed));
        for (account, event) in closed {
            let commit = annals::testing::commit_of::<Account>(account, [event]);
            annals::Store::commit(&store, commit).await.unwrap();
        }
        let times = Arc::<AtomicUsize>::default();
        let at_once = AtOnce::<Count>(Arc::clone(&times), PhantomData);
        let annals = Annals::over(store).projection(at_once).open().await.unwrap();
        let handle = annals.projection::<AtOnce<Count>>().unwrap();
        let mut watch = handle.watch();
        watch.wait_for(|status| status.state == annals::projections::State::Live).await.unwrap();
        let rows = annals.view::<Count>().unwrap().all().collect().await.unwrap();
        assert_eq!(rows, ["a", "b", "c", "d", "e"].map(Count::counted));
        assert_eq!(times.load(Ordering::Relaxed), 2);
    }
}
