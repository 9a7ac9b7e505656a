//! A bank whose transfers are a saga: money is taken from one account, then given to another; what cannot be given goes back.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use annals_core::{
    Aggregate, Annals, Clock, Decision, Evolve, Handle, OpenError, Preparation, Prepare, Store, Timestamp,
};
use annals_macros::{Aggregate, Command, Event};
use annals_projections::{BoxError, EventContext, Incoming, Subscription};
use annals_sagas::{
    Begin, Commands, Otherwise, Reception, Refusal, RunningSagas, Saga, SagaHandle, SagaOptions, SendsTo, Step, Undo,
    Unhandled, WithSagas,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "account")]
pub(crate) enum AccountEvent {
    Opened { cents: u64 },
    Taken { cents: u64, transfer: String },
    Given { cents: u64, transfer: String },
    Returned { cents: u64, transfer: String },
    Reclaimed { cents: u64, transfer: String },
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "account", event = AccountEvent)]
pub(crate) struct Account {
    pub(crate) open: bool,
    pub(crate) cents: u64,
}

impl Evolve<AccountEvent> for Account {
    fn evolve(&mut self, event: &AccountEvent) {
        match event {
            AccountEvent::Opened { cents } => (self.open, self.cents) = (true, *cents),
            AccountEvent::Taken { cents, .. } | AccountEvent::Reclaimed { cents, .. } => self.cents -= cents,
            AccountEvent::Given { cents, .. } | AccountEvent::Returned { cents, .. } => self.cents += cents,
        }
    }
}

/// How often it was tried to give for a transfer whose name begins with `moody`; from then on it panics.
pub(crate) static MOODY: AtomicU32 = AtomicU32::new(0);
pub(crate) const MOODY_AFTER: u32 = 4;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AccountError {
    #[error("the account is not open")]
    NotOpen,
    #[error("{missing} cents are missing")]
    Short { missing: u64 },
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Open {
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Take {
    pub(crate) cents: u64,
    pub(crate) transfer: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Give {
    pub(crate) cents: u64,
    pub(crate) transfer: String,
}

/// Gives by a courier, who is asked before: what a transfer does whose name begins with `bring`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Bring {
    pub(crate) cents: u64,
    pub(crate) transfer: String,
}

/// Somebody outside, who knows which transfers it was asked for.
#[derive(Debug, Default, Clone)]
pub(crate) struct Courier(Arc<Mutex<BTreeSet<String>>>);

impl Courier {
    pub(crate) fn was_asked(&self, transfer: &str) -> bool {
        self.0.lock().unwrap().contains(transfer)
    }
}

impl Prepare<Bring> for Account {
    type Service = Courier;
    type Prepared = Give;
    type Error = AccountError;
    async fn prepare(_: Preparation<'_, Self>, bring: Bring, courier: &Courier) -> Result<Give, AccountError> {
        let Bring { cents, transfer } = bring;
        courier.0.lock().unwrap().insert(transfer.clone());
        tokio::task::yield_now().await;
        Ok(Give { cents, transfer })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Return {
    pub(crate) cents: u64,
    pub(crate) transfer: String,
}

/// Takes back what was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Reclaim {
    pub(crate) cents: u64,
    pub(crate) transfer: String,
}

impl Handle<Reclaim> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, Reclaim { cents, transfer }: Reclaim) -> Result<(), AccountError> {
        account.emit(AccountEvent::Reclaimed { cents, transfer });
        Ok(())
    }
}

impl Handle<Open> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, command: Open) -> Result<(), AccountError> {
        account.emit(AccountEvent::Opened { cents: command.cents });
        Ok(())
    }
}

impl Handle<Take> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, Take { cents, transfer }: Take) -> Result<(), AccountError> {
        if !account.open {
            return Err(AccountError::NotOpen);
        }
        if cents > account.cents {
            return Err(AccountError::Short { missing: cents - account.cents });
        }
        account.emit(AccountEvent::Taken { cents, transfer });
        Ok(())
    }
}

impl Handle<Give> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, Give { cents, transfer }: Give) -> Result<(), AccountError> {
        if transfer.starts_with("panic") || (transfer.starts_with("moody") && MOODY.fetch_add(1, SeqCst) >= MOODY_AFTER)
        {
            panic!("no gift of this");
        }
        if !account.open {
            return Err(AccountError::NotOpen);
        }
        account.emit(AccountEvent::Given { cents, transfer });
        Ok(())
    }
}

impl Handle<Return> for Account {
    type Reply = ();
    type Error = AccountError;
    fn handle(account: &mut Decision<Self>, Return { cents, transfer }: Return) -> Result<(), AccountError> {
        if transfer.starts_with("keep") {
            return Err(AccountError::NotOpen);
        }
        account.emit(AccountEvent::Returned { cents, transfer });
        Ok(())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "transfer")]
pub(crate) enum TransferEvent {
    Requested {
        from: String,
        to: String,
        cents: u64,
    },
    /// The customer says something: `boom` makes the saga fail.
    Noted {
        text: String,
    },
    Settled {
        outcome: String,
    },
}

#[derive(Debug, Default, Clone, Aggregate)]
#[aggregate(name = "transfer", event = TransferEvent)]
pub(crate) struct Transfer {
    pub(crate) outcome: Option<String>,
}

impl Evolve<TransferEvent> for Transfer {
    fn evolve(&mut self, event: &TransferEvent) {
        if let TransferEvent::Settled { outcome } = event {
            self.outcome = Some(outcome.clone());
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Request {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) cents: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
pub(crate) struct Note {
    pub(crate) text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
pub(crate) struct Settle {
    pub(crate) outcome: String,
}

impl Handle<Request> for Transfer {
    type Reply = ();
    type Error = std::convert::Infallible;
    fn handle(transfer: &mut Decision<Self>, request: Request) -> Result<(), Self::Error> {
        let Request { from, to, cents } = request;
        transfer.emit(TransferEvent::Requested { from, to, cents });
        Ok(())
    }
}

impl Handle<Note> for Transfer {
    type Reply = ();
    type Error = std::convert::Infallible;
    fn handle(transfer: &mut Decision<Self>, note: Note) -> Result<(), Self::Error> {
        transfer.emit(TransferEvent::Noted { text: note.text });
        Ok(())
    }
}

impl Handle<Settle> for Transfer {
    type Reply = ();
    type Error = String;
    fn handle(transfer: &mut Decision<Self>, settle: Settle) -> Result<(), String> {
        if let Some(outcome) = &transfer.outcome {
            return Err(format!("it is settled: {outcome}"));
        }
        transfer.emit(TransferEvent::Settled { outcome: settle.outcome });
        Ok(())
    }
}

/// Takes, gives, settles; when giving is refused, or takes longer than a minute, returns what was taken.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Moving {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) cents: u64,
    pub(crate) notes: Vec<String>,
    pub(crate) stage: String,
}

impl SendsTo<Account, Take> for Moving {}
impl SendsTo<Account, Give> for Moving {}
impl SendsTo<Account, Bring> for Moving {}
impl SendsTo<Account, Return> for Moving {}
impl SendsTo<Account, Reclaim> for Moving {}
impl SendsTo<Transfer, Settle> for Moving {}

impl Saga for Moving {
    const NAME: &'static str = "moving";
    const VERSION: u32 = 1;

    fn subscription() -> Subscription {
        Subscription::new()
            .variants::<TransferEvent>(&["Requested", "Noted"])
            .variants::<AccountEvent>(&["Taken", "Given"])
    }

    fn commands() -> Commands {
        Commands::new()
            .with::<Account, Take>()
            .with::<Account, Give>()
            .prepared::<Account, Bring>()
            .with::<Account, Return>()
            .with::<Account, Reclaim>()
            .with::<Transfer, Settle>()
    }

    fn receive(event: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<Reception>, BoxError> {
        if let Some(event) = event.get::<AccountEvent>() {
            return match event {
                AccountEvent::Taken { transfer, .. } | AccountEvent::Given { transfer, .. } if transfer.is_empty() => {
                    Err("a movement without a transfer".into())
                }
                AccountEvent::Taken { transfer, .. } => Ok(Some(Reception::continues(transfer))),
                AccountEvent::Given { transfer, .. } => {
                    Ok(Some(Reception::continues(transfer).otherwise(Otherwise::Ignore)))
                }
                _ => Ok(None),
            };
        }
        Ok(match event.get::<TransferEvent>() {
            Some(TransferEvent::Requested { .. }) => Some(Reception::starts(cx.key())),
            Some(TransferEvent::Noted { .. }) => Some(Reception::continues(cx.key())),
            _ => None,
        })
    }

    fn handle(&mut self, event: Incoming<'_>, _: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let transfer = step.key().to_owned();
        match event.get::<TransferEvent>() {
            Some(TransferEvent::Requested { from, to, cents }) => {
                (self.from, self.to, self.cents) = (from.clone(), to.clone(), *cents);
                self.stage = "taking".into();
                let undo = Undo::by::<Account, _>(from.clone(), Return { cents: *cents, transfer: transfer.clone() });
                step.perform::<Account, _>(from.clone(), Take { cents: *cents, transfer }, undo);
                step.schedule("late", Duration::from_secs(60));
                return Ok(());
            }
            Some(TransferEvent::Noted { text }) => {
                match text.as_str() {
                    "boom" => return Err("boom".into()),
                    "panic" => panic!("at the disco"),
                    "stop" => step.compensate(),
                    "no hurry" => step.cancel("late"),
                    text => self.notes.push(text.to_owned()),
                }
                return Ok(());
            }
            _ => {}
        }
        match event.get::<AccountEvent>() {
            // It may be said twice.
            Some(AccountEvent::Taken { .. }) if self.stage == "taking" => {
                self.stage = "giving".into();
                let undo = Reclaim { cents: self.cents, transfer: transfer.clone() };
                let undo = Undo::by::<Account, _>(self.to.clone(), undo);
                let (to, cents) = (self.to.clone(), self.cents);
                if transfer.starts_with("bring") {
                    step.perform::<Account, _>(to, Bring { cents, transfer }, undo);
                } else {
                    step.perform::<Account, _>(to, Give { cents, transfer }, undo);
                }
            }
            // It waits for what is noted next.
            Some(AccountEvent::Given { .. }) if transfer.starts_with("linger") => self.stage = "given".into(),
            Some(AccountEvent::Given { .. }) => {
                self.stage = "given".into();
                step.cancel("late");
                step.send::<Transfer, _>(transfer, Settle { outcome: "moved".into() });
                step.complete();
            }
            _ => {}
        }
        Ok(())
    }

    fn refused(&mut self, refusal: &Refusal<'_>, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        let transfer = step.key().to_owned();
        if refusal.command::<Take>().is_some() {
            let short = matches!(refusal.error(), Some(AccountError::Short { .. }));
            let outcome = if short { "too poor" } else { "no such account" };
            step.send::<Transfer, _>(transfer, Settle { outcome: outcome.into() });
            step.complete();
        } else if refusal.command::<Give>().is_some() && transfer.starts_with("linger") {
            self.stage = "refused".into();
        } else if refusal.command::<Give>().is_some() || refusal.command::<Bring>().is_some() {
            self.stage = "returning".into();
            step.send::<Transfer, _>(transfer, Settle { outcome: "returned".into() });
            step.compensate();
        } else {
            return Err(Unhandled::refusal(refusal).into());
        }
        Ok(())
    }

    fn timeout(&mut self, name: &str, step: &mut Step<'_, Self>) -> Result<(), BoxError> {
        if name != "late" {
            return Err(Unhandled::timer(name).into());
        }
        let transfer = step.key().to_owned();
        if transfer.starts_with("linger-grumpy") {
            return Err("not now".into());
        }
        self.stage = "late".into();
        step.send::<Transfer, _>(step.key().to_owned(), Settle { outcome: "late".into() });
        step.compensate();
        Ok(())
    }
}

/// A bank over `store`, whose sagas begin at the beginning of the log.
pub(crate) async fn over(store: Arc<dyn Store>, clock: impl Clock) -> Annals {
    try_over(store, clock).await.unwrap()
}

/// The same over a store that may die meanwhile.
pub(crate) async fn try_over(store: Arc<dyn Store>, clock: impl Clock) -> Result<Annals, OpenError> {
    try_with(Courier::default(), store, clock).await
}

/// The same with this courier.
pub(crate) async fn try_with(courier: Courier, store: Arc<dyn Store>, clock: impl Clock) -> Result<Annals, OpenError> {
    let options = SagaOptions::default().begin(Begin::AtTheBeginning);
    Annals::over(store).clock(Arc::new(clock)).service(courier).saga_with::<Moving>(options).open().await
}

pub(crate) fn saga(bank: &Annals) -> SagaHandle {
    bank.saga::<Moving>().unwrap()
}

pub(crate) async fn open_account(bank: &Annals, account: &str, cents: u64) {
    bank.on::<Account>(account).send(Open { cents }).await.unwrap();
}

pub(crate) async fn request(bank: &Annals, transfer: &str, cents: u64) {
    let request = Request { from: "ada".into(), to: "bob".into(), cents };
    bank.on::<Transfer>(transfer).send(request).await.unwrap();
}

pub(crate) fn requested(from: &str, to: &str, cents: u64) -> TransferEvent {
    TransferEvent::Requested { from: from.into(), to: to.into(), cents }
}

pub(crate) async fn note(bank: &Annals, transfer: &str, text: &str) {
    bank.on::<Transfer>(transfer).send(Note { text: text.into() }).await.unwrap();
}

pub(crate) async fn cents(bank: &Annals, account: &str) -> u64 {
    bank.on::<Account>(account).load().await.unwrap().state.cents
}

pub(crate) async fn outcome(bank: &Annals, transfer: &str) -> Option<String> {
    bank.on::<Transfer>(transfer).load().await.unwrap().state.outcome
}

/// How many events of the category a stream has of each stored name.
pub(crate) async fn types<A: Aggregate>(bank: &Annals, key: &str) -> Vec<String> {
    use futures::TryStreamExt;
    let stream = annals_core::StreamId::new(A::NAME, key).unwrap();
    let records: Vec<_> = bank.store().read_stream(annals_core::ReadStream::all(stream)).try_collect().await.unwrap();
    records.iter().map(|record| record.event_type().as_str().to_owned()).collect()
}

/// What the account's events move: for which transfer, how much, and the stored name.
pub(crate) async fn movements(bank: &Annals, account: &str) -> Vec<(String, u64, String)> {
    use futures::TryStreamExt;
    let stream = annals_core::StreamId::new(Account::NAME, account).unwrap();
    let records: Vec<_> = bank.store().read_stream(annals_core::ReadStream::all(stream)).try_collect().await.unwrap();
    let moves = records.iter().filter_map(|record| {
        let decoded = annals_core::decode_record::<AccountEvent>(record).unwrap();
        let name = record.event_type().as_str().to_owned();
        match decoded.as_slice().first()? {
            AccountEvent::Opened { .. } => None,
            AccountEvent::Taken { cents, transfer }
            | AccountEvent::Given { cents, transfer }
            | AccountEvent::Returned { cents, transfer }
            | AccountEvent::Reclaimed { cents, transfer } => Some((transfer.clone(), *cents, name)),
        }
    });
    moves.collect()
}

/// The stored names of all events, in the order of the log.
pub(crate) async fn all_types(bank: &Annals) -> Vec<String> {
    use futures::TryStreamExt;
    let records: Vec<_> = bank.store().read_log(annals_core::ReadLog::all()).try_collect().await.unwrap();
    records.iter().map(|record| record.event_type().as_str().to_owned()).collect()
}

/// A clock that a test sets.
#[derive(Debug, Clone)]
pub(crate) struct SetClock(Arc<std::sync::atomic::AtomicI64>);

impl Default for SetClock {
    fn default() -> Self {
        Self(Arc::new(1_000_000_000.into()))
    }
}

impl SetClock {
    pub(crate) fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_add(micros, SeqCst);
    }

    pub(crate) fn set_back(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).unwrap();
        self.0.fetch_sub(micros, SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(SeqCst)).unwrap()
    }
}
