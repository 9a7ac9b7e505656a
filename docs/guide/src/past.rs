use annals::{
    Commit, DecodeError, EventType, MemoryStore, NewEvent, ReadLog, Record, SchemaVersion, Store, StreamId, UpcastError,
    codec::{self, Value},
    decode_record,
    prelude::*,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

/// An event of the account ada as old code stored it.
fn stored(name: &str, version: u32, fields: &[(&str, Value)]) -> NewEvent {
    let fields = fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    let stream = StreamId::new("account", "ada").unwrap();
    let payload = codec::encode("a payload", &Value::Map(fields)).unwrap();
    NewEvent {
        schema_version: SchemaVersion::new(version).unwrap(),
        ..NewEvent::new(stream, EventType::new(name).unwrap(), payload)
    }
}

/// A bank that holds what old code stored.
async fn bank_of(events: impl IntoIterator<Item = NewEvent>) -> Annals {
    let store = MemoryStore::new();
    store.commit(Commit::of(events)).await.unwrap();
    Annals::over(store).open().await.unwrap()
}

/// What code of today reads in one such event.
async fn read<E: Event>(event: NewEvent) -> Result<Vec<E>, DecodeError> {
    let bank = bank_of([event]).await;
    let records: Vec<Record> = bank.store().read_log(ReadLog::all()).try_collect().await.unwrap();
    Ok(decode_record::<E>(&records[0])?.into_iter().collect())
}
