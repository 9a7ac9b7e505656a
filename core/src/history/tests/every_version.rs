//! Whatever became of snapshots, every version and moment is the fold from zero.

use bytes::Bytes;
use proptest::prelude::*;

use crate::snapshot::SnapshotRow;

use super::*;

#[derive(Debug, Clone)]
enum Act {
    Deposit {
        amount: u64,
        occurred: i64,
    },
    /// Takes a snapshot now, whatever the policy says.
    Snapshot,
    /// Changes a byte of the snapshot.
    Flip {
        at: prop::sample::Index,
        mask: u8,
    },
    /// Loses the end of the snapshot.
    Cut {
        at: prop::sample::Index,
    },
    /// Looks while there is a whole snapshot of more events than the stream has, as if the stream had lost its end.
    Beyond {
        by: u32,
    },
    /// Loses the snapshot.
    Lose,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        12 => (0_u64..1000, 0_i64..20).prop_map(|(amount, occurred)| Act::Deposit { amount, occurred }),
        2 => Just(Act::Snapshot),
        1 => (any::<prop::sample::Index>(), 1_u8..=255).prop_map(|(at, mask)| Act::Flip { at, mask }),
        1 => any::<prop::sample::Index>().prop_map(|at| Act::Cut { at }),
        1 => (1_u32..5).prop_map(|by| Act::Beyond { by }),
        1 => Just(Act::Lose),
    ];
    prop::collection::vec(act, 1..40)
}

struct Bank {
    annals: Annals,
    stream: StreamId,
}

impl Bank {
    async fn act(&self, act: Act) {
        let account = self.annals.on::<Account>("a");
        match act {
            Act::Deposit { amount, occurred } => {
                account.send(Deposit { amount }).occurred(second(occurred)).await.unwrap();
                self.annals.keeper().settle().await;
            }
            Act::Snapshot => drop(account.snapshot().await.unwrap()),
            Act::Lose => self.put(None).await,
            Act::Flip { at, mask } => {
                let Some(row) = self.row().await.filter(|row| !row.is_empty()) else { return };
                let mut bytes = row.to_vec();
                *at.get_mut(&mut bytes) ^= mask;
                self.put(Some(bytes.into())).await;
            }
            Act::Cut { at } => {
                let Some(row) = self.row().await else { return };
                self.put(Some(row.slice(..at.index(row.len() + 1)))).await;
            }
            Act::Beyond { by } => {
                let loaded = account.load().await.unwrap();
                let version = loaded.version.checked_add(u64::from(by)).unwrap();
                let snapshots = Account::snapshots().unwrap();
                let row = SnapshotRow::of(&self.stream);
                let batch = row.write(&snapshots, &Account { balance: 1, ..loaded.state }, version).unwrap();
                self.annals.store().apply(batch).await.unwrap();
                self.check().await;
                self.put(None).await;
            }
        }
    }

    async fn row(&self) -> Option<Bytes> {
        self.annals.store().get(&[SnapshotRow::key(&self.stream)]).await.unwrap().remove(0)
    }

    async fn put(&self, value: Option<Bytes>) {
        let (table, key) = SnapshotRow::place(&self.stream);
        let rows = vec![DerivedWrite { table, key, value }];
        self.annals.store().apply(RowBatch { rows, ..RowBatch::default() }).await.unwrap();
    }

    /// Compares every version and moment with a fold that knows of no snapshots.
    async fn check(&self) {
        let read = ReadStream::all(self.stream.clone());
        let records: Vec<Record> = self.annals.store().read_stream(read).try_collect().await.unwrap();
        let account = self.annals.on::<Account>("a");
        for count in 0..=records.len() {
            let loaded = account.load_at(version(count as u32)).await.unwrap();
            assert_eq!(loaded, folded(&records[..count]), "version {count}");
        }
        let error = account.load_at(version(records.len() as u32 + 1)).await.unwrap_err();
        let LoadAtError::NoSuchVersion { actual, .. } = error else { panic!("{error:?}") };
        assert_eq!(actual.get(), records.len() as u64);
        for time in (-1..=20).map(second) {
            let recorded = account.load_as_of(Moment::Recorded(time)).await.unwrap();
            assert_eq!(recorded, folded(records.iter().filter(|record| record.recorded() <= time)), "recorded {time}");
            let occurred = account.load_as_of(Moment::Occurred(time)).await.unwrap();
            assert_eq!(occurred, folded(records.iter().filter(|record| record.occurred() <= time)), "occurred {time}");
        }
        let states: Vec<_> = account.history().map_ok(|step| step.after).try_collect().await.unwrap();
        let expected: Vec<_> = (1..=records.len()).map(|count| folded(&records[..count]).state).collect();
        assert_eq!(states, expected);
    }
}

fn folded<'a>(records: impl IntoIterator<Item = &'a Record>) -> Loaded<Account> {
    let (mut state, mut version) = (Account::default(), Version::ZERO);
    for record in records {
        decode_record(record).unwrap().iter().for_each(|event| state.evolve(event));
        version = version.next();
    }
    Loaded { state, version }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn snapshots_never_change_an_answer(acts in acts(), cache in 0_usize..2) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = MemoryStore::with(Limits::default(), Arc::new(Ticking::default()));
            let annals = Annals::over(store).cache(cache).open().await.unwrap();
            let bank = Bank { annals, stream: "account-a".parse().unwrap() };
            for act in acts {
                bank.act(act).await;
                bank.check().await;
            }
        });
    }
}
