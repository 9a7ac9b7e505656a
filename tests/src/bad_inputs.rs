//! Bad inputs at every entry point (T17; F9, F10, F11, F12): what each must come to, in one table for all stores.
//!
//! A row is a name, an input and the answer that it must get: it is taken, it gives so many records or rows, or it is
//! refused with an error whose `Debug` begins with a given text. Whatever is refused changes nothing. Texts that are
//! taken as an id, a name, a tag or a key are used for what they are meant for, and must come back byte for byte.

use annals_core::{
    ApplyError, Commit, CommitError, Condition, Expected, Limits, ReadLog, ReadStream, RowBatch, Scan, Table,
};
use bytes::Bytes;
use futures::TryStreamExt;

use crate::{Harness, Setup, fixture::*};

mod commits;
mod decisions;
mod numbers;
mod payloads;
mod reads;
mod texts;

pub use decisions::{
    a_closed_stream_takes_no_decision, a_decision_that_emits_nothing_writes_nothing,
    events_that_cannot_be_stored_are_refused, keys_of_other_requests_are_refused,
    targets_that_cannot_be_decided_about_are_refused, ten_thousand_events_are_one_decision,
};
pub use payloads::hostile_snapshots_change_nothing;

/// What is given to an entry point.
pub(crate) enum Input {
    Commit(Commit),
    Apply(RowBatch),
    ReadStream(ReadStream),
    ReadLog(ReadLog),
    Get(Vec<(Table, Bytes)>),
    Scan(Scan),
    /// A text, where it is used as this.
    Text(texts::Use, String),
    /// What a constructor of core made of its input; the error's `Debug`.
    Made(Result<(), String>),
    /// Bytes as the payload of an event, which is decoded.
    Payload(Vec<u8>),
}

/// What must come of it.
#[derive(Debug)]
pub(crate) enum Answer {
    Taken,
    Gives(usize),
    /// The error's `Debug` begins with this.
    Refused(&'static str),
}

/// One row of the table.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) input: Input,
    pub(crate) answer: Answer,
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, input: Input, answer: Answer) -> Self {
        Self { name: name.into(), input, answer }
    }
}

/// The limits of the stores that meet the table: small, so that rows around them are cheap.
pub(crate) const LIMITS: Limits = Limits {
    event_bytes: 20_000,
    metadata_bytes: 300,
    tags: 3,
    row_bytes: 100,
    commit_bytes: 40_000,
    commit_events: 20,
    commit_rows: 10,
    commit_conditions: 5,
    batch_rows: 15,
    batch_bytes: 1100,
};

/// Every row.
pub(crate) fn table() -> Vec<Row> {
    let parts = [texts::table(), numbers::table(), commits::table(), reads::table(), payloads::table()];
    parts.into_iter().flatten().collect()
}

/// Five events of `a-1` and three of `b-1`, eight positions, two commits; a row `k` of `names` and of `view`.
pub(crate) async fn begin(store: &Handle) {
    commit(store, append("a-1", 5, Expected::Any)).await;
    commit(store, append("b-1", 3, Expected::Any).row(put("names", "k", "v"))).await;
    let rows = vec![derived_put("view", "k", "v")];
    store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the batch is applied");
}

/// T17, F9 to F12: every row of the table, at least 120, and the store goes on behind them.
pub async fn every_row_is_taken_or_refused_as_it_should<H: Harness>() {
    let harness = H::create(Setup { limits: LIMITS, ..Setup::default() }).await;
    let store = harness.store();
    begin(&store).await;
    let rows = table();
    let count = rows.len();
    assert!(count >= 120, "{count} rows");
    let mut wrong = Vec::new();
    for row in rows {
        let before = contents(&store).await;
        // A payload is stored before it is decoded.
        let refused = matches!(row.answer, Answer::Refused(_)) && !matches!(row.input, Input::Payload(_));
        wrong.extend(judge(&store, row).await);
        if refused && contents(&store).await != before {
            wrong.push("what was refused changed the store".to_owned());
        }
    }
    assert!(wrong.is_empty(), "{} of {count} rows:\n{}", wrong.len(), wrong.join("\n"));
    let position = head(&store).position;
    let receipt = commit(&store, append("a-1", 1, Expected::Exists)).await;
    assert_eq!(receipt.positions.map(|(first, _)| first), Some(position.next()), "the store goes on");
    crate::soak::report(&format!("bad_inputs={count}"));
}

/// What is wrong with the answer that a row got.
async fn judge(store: &Handle, row: Row) -> Option<String> {
    let found = answer(store, row.input).await;
    let fits = match (&row.answer, &found) {
        (Answer::Taken, Ok(_)) => true,
        (Answer::Gives(wanted), Ok(found)) => wanted == found,
        (Answer::Refused(wanted), Err(found)) => found.starts_with(wanted),
        _ => false,
    };
    (!fits).then(|| format!("{}: wanted {:?}, found {found:?}", row.name, row.answer))
}

/// How many records or rows an input gave, or the `Debug` of its error.
async fn answer(store: &Handle, input: Input) -> Result<usize, String> {
    match input {
        Input::Commit(commit) => store.commit(commit).await.map(|_| 0).map_err(commit_error),
        Input::Apply(batch) => store.apply(batch).await.map(|()| 0).map_err(apply_error),
        Input::ReadStream(read) => {
            store.read_stream(read).try_collect::<Vec<_>>().await.map(|records| records.len()).map_err(debug)
        }
        Input::ReadLog(read) => {
            store.read_log(read).try_collect::<Vec<_>>().await.map(|records| records.len()).map_err(debug)
        }
        Input::Get(keys) => store.get(&keys).await.map(|rows| rows.into_iter().flatten().count()).map_err(debug),
        Input::Scan(scan) => Ok(rows(store, scan).await.len()),
        Input::Text(used, text) => used.it(store, &text).await,
        Input::Made(made) => made.map(|()| 0),
        Input::Payload(payload) => payloads::decode(store, payload).await,
    }
}

fn debug(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

fn commit_error(error: CommitError) -> String {
    match error {
        CommitError::Invalid(invalid) => debug(invalid),
        other => debug(other),
    }
}

fn apply_error(error: ApplyError) -> String {
    match error {
        ApplyError::Invalid(invalid) => debug(invalid),
        other => debug(other),
    }
}

/// F11: for any set of hostile ids, prefixes of each other among them, reading a stream gives only its events, in
/// every direction, and a boundary on one of them is not moved by the others.
pub async fn hostile_ids_are_kept_apart<H: Harness>() {
    let harness = H::create(Setup::default()).await;
    let store = harness.store();
    let ids: Vec<String> = texts::hostile_streams().into_iter().filter(|id| stream_of(id).is_some()).collect();
    assert!(ids.len() >= 20, "{} ids", ids.len());
    for round in 1..=3_u64 {
        for id in &ids {
            let expected = Condition::stream(stream(id), at(round - 1));
            commit(&store, Commit::of([event(id, "noted")]).when(expected)).await;
        }
    }
    for id in &ids {
        for read in [ReadStream::all(stream(id)), ReadStream::all(stream(id)).backward()] {
            let found = read_stream(&store, read).await;
            assert_eq!(found.len(), 3, "{id:?}");
            assert!(found.iter().all(|record| record.stream().as_str() == id), "{id:?}");
        }
        let only = any_of([annals_core::QueryItem::new().stream(stream(id))]).any_tenant();
        let found = read_log(&store, ReadLog::of(only)).await;
        assert!(found.len() == 3 && found.iter().all(|record| record.stream().as_str() == id), "{id:?}");
    }
}

fn stream_of(text: &str) -> Option<annals_core::StreamId> {
    text.parse().ok()
}
