//! Texts as ids, names, tags and keys (F9, F11).

use annals_core::{
    Actor, Category, Commit, ConsumerName, DerivedTable, DerivedWrite, Digest, Epoch, EventType, IdempotencyKey,
    InvalidText, LoggedTable, Metadata, NewEvent, Once, QueryItem, ReadLog, ReadStream, RowBatch, RowWrite, StreamId,
    TEXT_BYTES_MAX, Table, Tag, Tenant,
};
use bytes::Bytes;

use super::{Answer, Input, Row};
use crate::fixture::*;

/// What a text is used as.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Use {
    Stream,
    Tenant,
    Category,
    Key,
    Tag,
    EventType,
    Logged,
    Derived,
    Idempotency,
    Consumer,
    Actor,
}

/// The name of what is wrong with a text, as `Debug` shows it.
fn problem(error: InvalidText) -> String {
    format!("{:?}", error.problem)
}

impl Use {
    /// Uses `text` for what it is meant for: how many records or rows came back under exactly this text.
    pub(crate) async fn it(self, store: &Handle, text: &str) -> Result<usize, String> {
        match self {
            Self::Stream => Ok(streamed(store, text.parse().map_err(problem)?).await),
            Self::Tenant => {
                let tenant = Tenant::new(text).map_err(problem)?;
                Ok(streamed(store, StreamId::of(Some(&tenant), "a", "1").map_err(problem)?).await)
            }
            Self::Category => {
                let category = Category::new(text).map_err(problem)?;
                let id = StreamId::new(&category, "1").map_err(problem)?;
                assert_eq!((id.category(), id.key()), (text, "1"));
                Ok(streamed(store, id).await)
            }
            Self::Key => {
                let id = StreamId::new("a", text).map_err(problem)?;
                assert_eq!((id.category(), id.key()), ("a", text));
                Ok(streamed(store, id).await)
            }
            Self::Tag => {
                let tag = Tag::new(text).map_err(problem)?;
                commit(store, Commit::of([NewEvent { tags: vec![tag.clone()], ..event("t-1", "x") }])).await;
                let found = read_log(store, ReadLog::of(any_of([QueryItem::new().tag(tag.clone())]))).await;
                assert!(found.iter().all(|record| record.tags() == [tag.clone()]), "{text:?}");
                Ok(found.len())
            }
            Self::EventType => {
                let kind = EventType::new(text).map_err(problem)?;
                commit(store, Commit::of([NewEvent { event_type: kind.clone(), ..event("t-1", "x") }])).await;
                let found = read_log(store, ReadLog::of(any_of([QueryItem::new().event_type(kind.clone())]))).await;
                assert!(found.iter().all(|record| *record.event_type() == kind), "{text:?}");
                Ok(found.len())
            }
            Self::Logged => {
                let table = LoggedTable::new(text).map_err(problem)?;
                commit(store, Commit::new().row(RowWrite::put(table.clone(), "k", "v"))).await;
                Ok(usize::from(row(store, table, "k").await == Some(Bytes::from_static(b"v"))))
            }
            Self::Derived => {
                let table = DerivedTable::new(text).map_err(problem)?;
                let rows = vec![DerivedWrite { table: table.clone(), key: "k".into(), value: Some("v".into()) }];
                store.apply(RowBatch { rows, ..RowBatch::default() }).await.expect("the batch is applied");
                Ok(usize::from(row(store, table, "k").await == Some(Bytes::from_static(b"v"))))
            }
            Self::Idempotency => Ok(repeated(store, IdempotencyKey::new(text).map_err(problem)?).await),
            Self::Consumer => {
                let consumer = ConsumerName::new(text).map_err(problem)?;
                let epoch = Epoch { consumer, number: 7 };
                let (table, key) = epoch.row();
                commit(store, Commit::new().row(RowWrite::put(table, key, epoch.to_row()))).await;
                store.apply(RowBatch { epoch: Some(epoch), ..RowBatch::default() }).await.expect("it is the epoch");
                Ok(1)
            }
            Self::Actor => {
                let actor = Some(Actor::new(text).map_err(problem)?);
                let metadata = Metadata { actor, ..Metadata::default() };
                commit(store, Commit::of([NewEvent { metadata: metadata.clone(), ..event("m-1", "x") }])).await;
                let latest = read_stream(store, ReadStream::all(stream("m-1")).backward().limit(1)).await;
                Ok(usize::from(*latest[0].metadata() == metadata))
            }
        }
    }
}

/// How many events the stream has behind one more, all of them its own.
async fn streamed(store: &Handle, id: StreamId) -> usize {
    let before = read_stream(store, ReadStream::all(id.clone())).await.len();
    commit(store, Commit::of([NewEvent::new(id.clone(), event_type("x"), "")])).await;
    let found = read_stream(store, ReadStream::all(id.clone())).await;
    assert!(found.iter().all(|record| record.stream().as_str() == id.as_str()), "{id:?}");
    let (table, key) = LoggedTable::STREAMS.row_of(&id);
    assert!(row(store, Table::from(table), key).await.is_some(), "{id:?} is listed");
    found.len() - before
}

/// 1 when the key is known after its first use.
async fn repeated(store: &Handle, key: IdempotencyKey) -> usize {
    let once = Once { key, digest: Digest::of(&[b"request"]), answer: Bytes::new() };
    let first = commit(store, Commit::new().once(once.clone())).await;
    let second = commit(store, Commit::new().once(once)).await;
    usize::from(!first.repeated && second.repeated)
}

const EMPTY: Answer = Answer::Refused("Empty");
const CONTROL: Answer = Answer::Refused("ControlCharacter");
const FORBIDDEN: Answer = Answer::Refused("Forbidden");
const RESERVED: Answer = Answer::Refused("Reserved");
const MISSING: Answer = Answer::Refused("Missing");
const TOO_LONG: Answer = Answer::Refused("TooLong");
const FINE: Answer = Answer::Gives(1);

/// A text of `bytes` bytes that begins with `start`.
fn long(start: &str, bytes: usize) -> String {
    format!("{start}{}", "x".repeat(bytes - start.len()))
}

/// Stream ids that look alike, hold each other, or try to be something else; some of them are none.
pub(crate) fn hostile_streams() -> Vec<String> {
    streams().into_iter().map(|(text, _)| text).collect()
}

fn streams() -> Vec<(String, Answer)> {
    let plain: [(&str, Answer); 42] = [
        ("", EMPTY),
        ("a", MISSING),
        ("-", MISSING),
        ("a-", MISSING),
        ("-1", MISSING),
        ("a/b", MISSING),
        ("/a-1", MISSING),
        ("a/b/c-1", FORBIDDEN),
        ("t//a-1", FORBIDDEN),
        ("../x-1", FINE),
        ("../../x-1", FORBIDDEN),
        ("$all", RESERVED),
        ("$all-1", RESERVED),
        ("t/$all-1", FORBIDDEN),
        ("a$-1", FORBIDDEN),
        ("a-$1", FINE),
        ("a\0b-1", CONTROL),
        ("a-1\0", CONTROL),
        ("a-\u{1}", CONTROL),
        ("a-\n", CONTROL),
        ("a-\u{7f}", CONTROL),
        ("a-\u{85}", CONTROL),
        ("a-1", FINE),
        ("a-10", FINE),
        ("a-100", FINE),
        ("a-1-", FINE),
        ("a--1", FINE),
        ("a-1 ", FINE),
        ("a -1", FINE),
        ("A-1", FINE),
        ("aa-1", FINE),
        ("a/a-1", FINE),
        ("aa/a-1", FINE),
        ("a-/a-1", FINE),
        ("%00-1", FINE),
        ("a-%2f", FINE),
        ("\u{e9}-1", FINE),
        ("e\u{301}-1", FINE),
        ("\u{202e}a-1", FINE),
        ("\u{1f600}-\u{1f600}", FINE),
        ("\u{feff}a-1", FINE),
        ("a-\u{10ffff}", FINE),
    ];
    let mut streams: Vec<_> = plain.into_iter().map(|(text, answer)| (text.to_owned(), answer)).collect();
    for (bytes, answer) in
        [(TEXT_BYTES_MAX - 1, FINE), (TEXT_BYTES_MAX, FINE), (TEXT_BYTES_MAX + 1, TOO_LONG), (64 << 10, TOO_LONG)]
    {
        streams.push((long("a-", bytes), answer));
    }
    // A character of four bytes across the limit is not cut.
    streams.push((format!("{}\u{1f600}", long("a-", TEXT_BYTES_MAX - 3)), TOO_LONG));
    streams.push((format!("{}\u{1f600}", long("b-", TEXT_BYTES_MAX - 4)), FINE));
    streams
}

pub(super) fn table() -> Vec<Row> {
    let mut rows: Vec<_> = streams().into_iter().map(|(text, answer)| row_of(Use::Stream, text, answer)).collect();
    let all = [
        Use::Tenant,
        Use::Category,
        Use::Key,
        Use::Tag,
        Use::EventType,
        Use::Logged,
        Use::Derived,
        Use::Idempotency,
        Use::Consumer,
        Use::Actor,
    ];
    for used in all {
        // A tenant, category or key of 255 bytes is fine by itself but leaves no room in the id.
        let part_of_id = matches!(used, Use::Tenant | Use::Category | Use::Key);
        let slash = !matches!(used, Use::Tag | Use::EventType | Use::Idempotency | Use::Actor);
        let dash = used == Use::Category;
        let dollar = matches!(used, Use::Tenant | Use::EventType | Use::Logged | Use::Derived | Use::Consumer);
        let longest = if part_of_id { TOO_LONG } else { FINE };
        let first_dollar = match used {
            Use::Category => FORBIDDEN,
            _ if dollar => RESERVED,
            _ => FINE,
        };
        for (text, answer) in [
            (String::new(), EMPTY),
            ("n\0".to_owned(), CONTROL),
            ("\u{1b}[2J".to_owned(), CONTROL),
            ("s/s".to_owned(), if slash { FORBIDDEN } else { FINE }),
            ("d-d".to_owned(), if dash { FORBIDDEN } else { FINE }),
            ("$own".to_owned(), first_dollar),
            ("\u{fffd}".to_owned(), FINE),
            (long("l", 250), FINE),
            (long("m", TEXT_BYTES_MAX), longest),
            (long("n", TEXT_BYTES_MAX + 1), TOO_LONG),
        ] {
            rows.push(row_of(used, text, answer));
        }
    }
    rows
}

fn row_of(used: Use, text: String, answer: Answer) -> Row {
    let name = format!("{used:?} {:?}", text.chars().take(20).collect::<String>());
    Row::new(name, Input::Text(used, text), answer)
}
