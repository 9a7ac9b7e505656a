//! Tenants: one store for all of them behaves for each like a store of its own.

use futures::TryStreamExt;
use proptest::prelude::*;

use crate::{
    account::{Account, AccountEvent, Deposit, Withdraw},
    *,
};

const TENANTS: [Option<&str>; 4] = [None, Some("acme"), Some("acm"), Some("account")];

#[derive(Debug, Clone)]
enum Step {
    Deposit {
        account: u8,
        amount: u64,
        key: Option<u8>,
    },
    Withdraw {
        account: u8,
        amount: u64,
    },
    /// Withdraws within what all accounts together have withdrawn at the machine.
    WithdrawWithin {
        account: u8,
        limit: u64,
    },
    Claim {
        account: u8,
        name: u8,
    },
    Release {
        account: u8,
        name: u8,
    },
    Snapshot {
        account: u8,
    },
    Close {
        account: u8,
    },
}

fn steps() -> impl Strategy<Value = Vec<(usize, Step)>> {
    let (account, name) = (0..3u8, 0..2u8);
    let step = prop_oneof![
        4 => (account.clone(), 1..9u64, proptest::option::of(0..2u8))
            .prop_map(|(account, amount, key)| Step::Deposit { account, amount, key }),
        3 => (account.clone(), 1..9u64).prop_map(|(account, amount)| Step::Withdraw { account, amount }),
        3 => (account.clone(), 1..20u64).prop_map(|(account, limit)| Step::WithdrawWithin { account, limit }),
        2 => (account.clone(), name.clone()).prop_map(|(account, name)| Step::Claim { account, name }),
        1 => (account.clone(), name).prop_map(|(account, name)| Step::Release { account, name }),
        1 => account.clone().prop_map(|account| Step::Snapshot { account }),
        1 => account.prop_map(|account| Step::Close { account }),
    ];
    proptest::collection::vec((0..TENANTS.len(), step), 1..60)
}

#[derive(Debug, Default, Clone)]
struct Machine(u64);

impl Evolve<AccountEvent> for Machine {
    fn evolve(&mut self, event: &AccountEvent) {
        if let AccountEvent::Withdrawn { amount, .. } = event {
            self.0 += amount;
        }
    }
}

impl Boundary for Machine {
    type Id = ();
    fn select((): &()) -> Selection<Self> {
        Selection::of(kinds![AccountEvent::Withdrawn]).tag("atm", "north")
    }
}

/// What a step comes to, as text without tenant, positions and commit numbers.
async fn take(annals: &Annals, step: &Step) -> String {
    let told = |outcome: String| match annals.tenant() {
        Some(tenant) => outcome.replace(&format!("{tenant}/"), ""),
        None => outcome,
    };
    let executed = |executed: Executed<u64>| {
        let versions: Vec<_> = executed.receipt.versions.iter().map(|(_, version)| *version).collect();
        format!("{} {} {versions:?}", executed.reply, executed.receipt.repeated)
    };
    let at_account = |account: &u8| at::<Account>(account.to_string());
    let outcome = match step {
        Step::Deposit { account, amount, key } => {
            let sending = annals.on::<Account>(account.to_string()).send(Deposit { amount: *amount });
            match key {
                Some(key) => sending.idempotency_key(key.to_string()).await.map(executed).map_err(kind),
                None => sending.await.map(executed).map_err(kind),
            }
        }
        Step::Withdraw { account, amount } => {
            let sending = annals.on::<Account>(account.to_string()).send(Withdraw { amount: *amount });
            sending.await.map(executed).map_err(kind)
        }
        Step::WithdrawWithin { account, limit } => {
            let (targets, limit) = ((at_account(account), boundary::<Machine>(())), *limit);
            let withdrawing = annals.together(targets, move |(account, machine)| {
                if machine.0 >= limit || account.balance == 0 {
                    return Err(machine.0);
                }
                account.emit(AccountEvent::Withdrawn { amount: 1, atm: "north".into() });
                Ok(machine.0)
            });
            withdrawing.await.map(executed).map_err(kind)
        }
        Step::Claim { account, name } => {
            let name = name.to_string();
            let claiming = annals.together(at_account(account), move |account| {
                account.claim("iban", &name);
                Ok::<_, u64>(account.balance)
            });
            claiming.await.map(executed).map_err(kind)
        }
        Step::Release { account, name } => {
            let name = name.to_string();
            let releasing = annals.together(at_account(account), move |account| {
                account.release("iban", &name);
                Ok::<_, u64>(account.balance)
            });
            releasing.await.map(executed).map_err(kind)
        }
        Step::Snapshot { account } => {
            let version = annals.on::<Account>(account.to_string()).snapshot().await;
            version.map(|version| version.to_string()).map_err(|error| error.to_string())
        }
        Step::Close { account } => {
            let closed = annals.on::<Account>(account.to_string()).close().await;
            closed.map(|_| "closed".to_owned()).map_err(|error| error.to_string())
        }
    };
    told(format!("{outcome:?}"))
}

/// The error, where two stores must agree in it.
fn kind<E: std::fmt::Debug>(error: ExecuteError<E>) -> String {
    match error {
        ExecuteError::Refused(error) => format!("refused {error:?}"),
        ExecuteError::Names { refusals } => format!("{refusals:?}"),
        ExecuteError::KeyReused { key, .. } => format!("key {} reused", key.as_str()),
        ExecuteError::Closed { streams } => format!("closed {streams:?}"),
        error => format!("{error:?}"),
    }
}

/// Everything that a tenant's handle shows.
async fn contents(annals: &Annals) -> Vec<String> {
    let mut contents = Vec::new();
    let streams: Vec<_> = annals.streams(None, "").try_collect().await.unwrap();
    contents.extend(streams.iter().map(|stream| stream.within_tenant().to_owned()));
    for account in 0..3 {
        contents.push(format!("{:?}", annals.on::<Account>(account.to_string()).load().await.unwrap()));
    }
    for name in 0..2 {
        let holder = annals.holder("iban", name.to_string()).await.unwrap();
        contents.push(format!("{:?}", holder.map(|holder| holder.within_tenant().to_owned())));
    }
    let query = EventQuery::new([]).in_tenant(annals.tenant().cloned());
    let records: Vec<_> = annals.store().read_log(ReadLog::of(query)).try_collect().await.unwrap();
    contents.extend(records.iter().map(|record| {
        format!("{} {} {} {:?}", record.stream().within_tenant(), record.version(), record.event_type(), record.tags())
    }));
    for table in [LoggedTable::ONCE, LoggedTable::CLOSED, LoggedTable::STREAMS, LoggedTable::NAMES] {
        let page = annals.store().scan(Scan::all(table.in_tenant(annals.tenant().cloned()))).await.unwrap();
        contents.push(page.rows.len().to_string());
    }
    let snapshots = DerivedTable::SNAPSHOTS.in_tenant(annals.tenant().cloned());
    let page = annals.store().scan(Scan::all(snapshots)).await.unwrap();
    contents.extend(page.rows.iter().map(|(key, _)| String::from_utf8_lossy(key).into_owned()));
    contents
}

async fn check(steps: Vec<(usize, Step)>) {
    let shared = Annals::over(MemoryStore::new()).open().await.unwrap();
    let mut pairs = Vec::new();
    for tenant in TENANTS {
        let own = Annals::over(MemoryStore::new()).open().await.unwrap();
        let tenant = tenant.map(|tenant| Tenant::new(tenant).unwrap());
        let handle = tenant.map_or(shared.clone(), |tenant| shared.in_tenant(tenant));
        pairs.push((handle, own));
    }
    for (tenant, step) in steps {
        let (handle, own) = &pairs[tenant];
        assert_eq!(take(handle, &step).await, take(own, &step).await, "{step:?} of {:?}", handle.tenant());
    }
    for (handle, own) in &pairs {
        for annals in [handle, own] {
            annals.keeper().settle().await;
        }
        assert_eq!(contents(handle).await, contents(own).await, "{:?}", handle.tenant());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Streams, tags, queries, keys, names, rows, snapshots and the cache: nothing crosses from one tenant to another.
    #[test]
    fn each_tenant_has_a_store_of_its_own(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(steps));
    }
}
