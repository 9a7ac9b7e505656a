//! Requests with an idempotency key that are repeated to a copy of the store they were made to.

use std::error::Error;

use annals::{
    Annals, ExecuteError, Fate, InvalidText, ReadLog, Record, StreamFate, StreamId, Transformation, TransformationName,
    embedded::CopyTransform, prelude::*,
};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "meter")]
enum MeterEvent {
    Counted { by: u64 },
}

#[derive(Debug, Default, Clone, PartialEq, Aggregate)]
#[aggregate(name = "meter", event = MeterEvent)]
struct Meter {
    count: u64,
}

impl Evolve<MeterEvent> for Meter {
    fn evolve(&mut self, MeterEvent::Counted { by }: &MeterEvent) {
        self.count += by;
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
struct Count {
    by: u64,
}

impl Handle<Count> for Meter {
    type Reply = u64;
    type Error = std::convert::Infallible;
    fn handle(meter: &mut Decision<Self>, command: Count) -> Result<u64, Self::Error> {
        meter.emit(MeterEvent::Counted { by: command.by });
        Ok(meter.count)
    }
}

/// The meter `old` is called `new`, the meter `gone` is left out.
#[derive(Clone)]
struct Renamed;

impl Transformation for Renamed {
    fn name(&self) -> Result<TransformationName, InvalidText> {
        TransformationName::new("rename-meters-1")
    }

    fn stream(&self, stream: &StreamId) -> Result<StreamFate, InvalidText> {
        Ok(match stream.key() {
            "old" => StreamFate::Rename(StreamId::new("meter", "new")?),
            "gone" => StreamFate::Drop,
            _ => StreamFate::Keep,
        })
    }

    fn record(&mut self, _: &Record) -> Result<Fate, Box<dyn Error + Send + Sync>> {
        Ok(Fate::Keep)
    }
}

async fn events(meters: &Annals) -> usize {
    let records: Vec<Record> = meters.store().read_log(ReadLog::all()).try_collect().await.unwrap();
    records.len()
}

/// It never takes effect a second time, under whichever name it is repeated.
#[tokio::test]
async fn a_keyed_request_to_a_renamed_stream_is_refused_as_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
    let meters = Annals::builder(&from).open().await.unwrap();
    for (meter, by) in [("old", 1), ("kept", 2), ("gone", 3)] {
        let key = format!("count {meter}");
        meters.on::<Meter>(meter).send(Count { by }).idempotency_key(key).await.unwrap();
    }
    meters.shut_down().await;
    let mut copy = CopyTransform::new(&from, &to, Renamed);
    copy.run().unwrap();
    assert!(copy.verify().unwrap().is_equal());

    let meters = Annals::builder(&to).open().await.unwrap();
    let repeat = |meter: &'static str, by, key: &'static str| {
        meters.on::<Meter>(meter).send(Count { by }).idempotency_key(key).into_future()
    };
    let refused = repeat("new", 1, "count old").await;
    assert!(matches!(refused, Err(ExecuteError::KeyReused { .. })), "{refused:?}");
    // As it was made, and to a stream that kept its name, it gets the first answer; that of a dropped stream too.
    for (meter, by) in [("old", 1), ("kept", 2), ("gone", 3)] {
        let key = ["count old", "count kept", "count gone"].into_iter().find(|key| key.ends_with(meter)).unwrap();
        let answered = repeat(meter, by, key).await.unwrap();
        assert_eq!((answered.receipt.repeated, answered.reply), (true, by), "{meter}");
    }
    assert_eq!(events(&meters).await, 2);
    // Under a key of its own it is a request like any other.
    assert_eq!(repeat("new", 1, "count new").await.unwrap().reply, 2);
    assert_eq!((events(&meters).await, meters.on::<Meter>("old").load().await.unwrap().state.count), (3, 0));
}
