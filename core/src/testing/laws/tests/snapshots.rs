//! Planted: snapshots that are not the fold.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt, stream::BoxStream};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    snapshot::{Kept, SnapshotRow},
    testing::laws::{kept, kept_state_equals_fold, snapshot_equals_fold},
    *,
};

use super::{
    broken,
    till::{Paid, PayIn, paid, till},
};

fn deposits() -> [Vec<Paid>; 1] {
    [vec![paid(100), paid(100), paid(100)]]
}

/// Applies what is new once more before its snapshot is taken.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct AppliesTwice {
    balance: u64,
    new: u64,
}

till!(
    AppliesTwice,
    |till, amount| {
        till.balance += amount;
        till.new = amount;
    },
    version 1,
    shape "balance: u64, new: u64",
    |till| {
        let mut till = till.clone();
        till.evolve(&paid(till.new));
        codec::encode("till", &till)
    }
);

impl Handle<PayIn> for AppliesTwice {
    type Reply = ();
    type Error = String;
    fn handle(till: &mut Decision<Self>, PayIn(amount): PayIn) -> Result<(), String> {
        till.emit(paid(amount));
        Ok(())
    }
}

#[test]
fn events_that_are_applied_twice_are_caught() {
    let message = broken(|| snapshot_equals_fold::<AppliesTwice>(&deposits()));
    assert!(message.starts_with("the snapshot of till after 1 event of history 1 is not its fold"), "{message}");
    assert!(message.contains("-     balance: 100,\n+     balance: 200,"), "{message}");
    let message = broken(|| kept_state_equals_fold(&at::<AppliesTwice>("a"), &deposits(), PayIn(100)));
    assert!(message.contains("-     balance: 100,\n+     balance: 200,"), "{message}");
}

/// A till in which nothing is wrong: the framework below it is.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Right {
    balance: u64,
}

till!(Right, |till, amount| till.balance += amount, version 1, shape "balance: u64", |till| codec::encode("till", till));

impl Handle<PayIn> for Right {
    type Reply = ();
    type Error = String;
    fn handle(till: &mut Decision<Self>, PayIn(amount): PayIn) -> Result<(), String> {
        till.emit(paid(amount));
        Ok(())
    }
}

/// A framework that takes a snapshot with the third event, and applies that event twice.
#[derive(Default)]
struct FrameworkAppliesTwice(MemoryStore);

impl FrameworkAppliesTwice {
    /// What the broken framework would have written in place of `row`.
    async fn spoil(&self, row: &[u8]) -> Option<RowBatch> {
        let (stream, snapshots) = ("till-a".parse().unwrap(), Right::snapshots().unwrap());
        let place = SnapshotRow::of(&stream);
        let Kept { mut state, version, .. } = place.read(&snapshots, row)?;
        let records: Vec<Record> = self.0.read_stream(ReadStream::all(stream.clone())).try_collect().await.unwrap();
        let third = records.get(2).filter(|third| third.version() == version)?;
        decode_record(third).unwrap().iter().for_each(|event| state.evolve(event));
        Some(place.write(&snapshots, &state, version).unwrap())
    }
}

#[async_trait]
impl Store for FrameworkAppliesTwice {
    async fn apply(&self, batch: RowBatch) -> Result<(), ApplyError> {
        let spoilt = self.spoil(batch.rows[0].value.as_ref().unwrap()).await;
        self.0.apply(spoilt.unwrap_or(batch)).await
    }
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.0.commit(commit).await
    }
    fn read_stream(&self, read: ReadStream) -> BoxStream<'_, Result<Record, ReadError>> {
        self.0.read_stream(read)
    }
    fn read_log(&self, read: ReadLog) -> BoxStream<'_, Result<Record, ReadError>> {
        self.0.read_log(read)
    }
    async fn get(&self, keys: &[(Table, Bytes)]) -> Result<Vec<Option<Bytes>>, ReadError> {
        self.0.get(keys).await
    }
    async fn scan(&self, scan: Scan) -> Result<Page, ReadError> {
        self.0.scan(scan).await
    }
    async fn name_key(&self, make: bool) -> Result<Option<NameKey>, ReadError> {
        self.0.name_key(make).await
    }
    fn head(&self) -> watch::Receiver<Head> {
        self.0.head()
    }
    async fn shut_down(&self) {
        self.0.shut_down().await;
    }
}

#[test]
fn three_deposits_of_100_are_not_400() {
    let two = [vec![paid(100), paid(100)]];
    kept_state_equals_fold(&at::<Right>("a"), &two, PayIn(100));
    let message = broken(|| {
        kept::check(&at::<Right>("a"), &two, PayIn(100), || Arc::new(FrameworkAppliesTwice::default()));
    });
    assert!(message.starts_with("the snapshot of till after"), "{message}");
    assert!(message.contains("-     balance: 300,\n+     balance: 400,"), "{message}");
}

/// Leaves a field out of its snapshot.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Forgets {
    balance: u64,
    #[serde(skip)]
    count: u64,
}

till!(
    Forgets,
    |till, amount| {
        till.balance += amount;
        till.count += 1;
    },
    version 1,
    shape "balance: u64, count: u64",
    |till| codec::encode("till", till)
);

#[test]
fn a_field_that_the_snapshot_leaves_out_is_caught() {
    let message = broken(|| snapshot_equals_fold::<Forgets>(&deposits()));
    assert!(message.contains("-     count: 1,\n+     count: 0,"), "{message}");
}

/// Leaves a field out of its snapshot that counts only when the next event comes.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct ForgetsWhatComes {
    balance: u64,
    #[serde(skip)]
    bonus: u64,
}

impl PartialEq for ForgetsWhatComes {
    fn eq(&self, other: &Self) -> bool {
        self.balance == other.balance
    }
}

till!(
    ForgetsWhatComes,
    |till, amount| {
        till.balance += amount + till.bonus;
        till.bonus = 1;
    },
    version 1,
    shape "balance: u64, bonus: u64",
    |till| codec::encode("till", till)
);

#[test]
fn what_shows_only_when_the_history_goes_on_is_caught() {
    let message = broken(|| snapshot_equals_fold::<ForgetsWhatComes>(&deposits()));
    assert!(message.starts_with("till, restored after 1 event of history 1 and folded on, is not"), "{message}");
    assert!(message.contains("-     balance: 302,\n+     balance: 301,"), "{message}");
}

/// Writes snapshots that it cannot read.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
struct Unreadable {
    balance: u64,
}

till!(Unreadable, |till, amount| till.balance += amount, version 1, shape "balance: u64", |till| codec::encode(
    "till",
    &till.balance
));

impl Handle<PayIn> for Unreadable {
    type Reply = ();
    type Error = String;
    fn handle(till: &mut Decision<Self>, PayIn(amount): PayIn) -> Result<(), String> {
        till.emit(paid(amount));
        Ok(())
    }
}

#[test]
fn a_snapshot_that_cannot_be_read_back_is_caught() {
    let message = broken(|| snapshot_equals_fold::<Unreadable>(&deposits()));
    assert!(message.starts_with("the snapshot of till before the first event cannot be read back: it"), "{message}");
    let message = broken(|| kept_state_equals_fold(&at::<Unreadable>("a"), &deposits(), PayIn(100)));
    assert!(message.ends_with("the snapshot of version 1 could not be used"), "{message}");
}
