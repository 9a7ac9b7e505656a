//! Reading an event's item: a light head that borrows from its bytes, and the record made of it where one is needed.

use annals_core::{
    CommitNumber, EventId, EventType, Metadata, Position, Record, SchemaVersion, StreamId, Tag, Timestamp, Version,
};
use bytes::Bytes;
use uuid::Uuid;

use super::{
    item::{ItemError, MALFORMED, take_content},
    wire::Cursor,
};

/// What a frame knows of all its events.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Common {
    pub(crate) commit: CommitNumber,
    pub(crate) first: Position,
    pub(crate) recorded: Timestamp,
}

/// An event as its item has it, nothing copied and nothing allocated. The item's checksum was checked, so its texts are
/// those that were checked when they were written.
#[derive(Debug, Clone)]
pub(crate) struct EventHead<'a> {
    pub(crate) ordinal: u64,
    pub(crate) version: Version,
    pub(crate) schema_version: SchemaVersion,
    pub(crate) id: [u8; 16],
    /// Microseconds by which the event occurred after it was recorded.
    pub(crate) occurred_after: i64,
    pub(crate) stream: &'a str,
    pub(crate) event_type: &'a str,
    tags: Tags<'a>,
    pub(crate) metadata: &'a [u8],
    /// The encoding byte and the payload.
    pub(crate) content: &'a [u8],
}

/// The event types that a read met last: most records of a log have one of few, so that each is checked and made once.
#[derive(Debug, Default)]
pub(crate) struct Types {
    seen: Vec<EventType>,
}

/// Beyond so many, looking for one costs more than making it.
const TYPES_MAX: usize = 8;

impl Types {
    fn get(&mut self, text: &str) -> Result<EventType, ItemError> {
        if let Some(seen) = self.seen.iter().find(|seen| seen.as_str() == text) {
            return Ok(seen.clone());
        }
        let event_type = EventType::new(text).map_err(|_| MALFORMED)?;
        if self.seen.len() == TYPES_MAX {
            self.seen.clear();
        }
        self.seen.push(event_type.clone());
        Ok(event_type)
    }
}

/// The tags of an event, in ascending order.
#[derive(Debug, Clone)]
pub(crate) struct Tags<'a> {
    count: u64,
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Tags<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.count = self.count.checked_sub(1)?;
        // All of them were read once when the head was.
        Some(self.cursor.text().unwrap_or_default())
    }
}

impl<'a> EventHead<'a> {
    /// Reads what stands in front of the payload; `content` is that of an event's item.
    pub(crate) fn take(content: &'a [u8]) -> Result<Self, ItemError> {
        Self::parse(content).ok_or(MALFORMED)
    }

    fn parse(content: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        let ordinal = cursor.varint()?;
        let version = Version::new(cursor.varint()?).ok()?;
        let schema_version = SchemaVersion::new(u32::try_from(cursor.varint()?).ok()?)?;
        let id = cursor.array()?;
        let occurred_after = cursor.signed()?;
        let stream = cursor.text()?;
        let event_type = cursor.text()?;
        let count = cursor.varint()?;
        let tags = Tags { count, cursor: cursor.clone() };
        for _ in 0..count {
            cursor.text()?;
        }
        let metadata = cursor.bytes()?;
        let content = cursor.take_rest();
        Some(Self { ordinal, version, schema_version, id, occurred_after, stream, event_type, tags, metadata, content })
    }

    pub(crate) fn tags(&self) -> Tags<'a> {
        self.tags.clone()
    }

    /// Its stream.
    pub(crate) fn stream_id(&self) -> Result<StreamId, ItemError> {
        self.stream.parse().map_err(|_| MALFORMED)
    }

    /// The position of the event, whose frame has this in common.
    pub(crate) fn position(&self, common: Common) -> Result<Position, ItemError> {
        common.first.checked_add(self.ordinal).ok_or(MALFORMED)
    }

    pub(crate) fn payload(&self) -> Result<&'a [u8], ItemError> {
        take_content(self.content)
    }

    /// The whole record; `own` makes the payload of what the item has.
    #[inline]
    pub(crate) fn record(
        &self,
        common: Common,
        types: &mut Types,
        own: impl FnOnce(&[u8]) -> Bytes,
    ) -> Result<Record, ItemError> {
        Ok(Record {
            position: self.position(common)?,
            commit: common.commit,
            stream: self.stream_id()?,
            version: self.version,
            id: EventId::from(Uuid::from_bytes(self.id)),
            event_type: types.get(self.event_type)?,
            schema_version: self.schema_version,
            tags: if self.tags.count == 0 { Vec::new() } else { take_tags(self.tags())? },
            metadata: take_metadata(self.metadata)?,
            recorded: common.recorded,
            occurred: self.occurred(common.recorded)?,
            payload: own(self.payload()?),
        })
    }

    fn occurred(&self, recorded: Timestamp) -> Result<Timestamp, ItemError> {
        if self.occurred_after == 0 {
            return Ok(recorded);
        }
        let micros = recorded.as_micros().checked_add(self.occurred_after).ok_or(MALFORMED)?;
        Timestamp::from_micros(micros).map_err(|_| MALFORMED)
    }
}

fn take_tags(tags: Tags<'_>) -> Result<Vec<Tag>, ItemError> {
    tags.map(Tag::new).collect::<Result<_, _>>().map_err(|_| MALFORMED)
}

fn take_metadata(bytes: &[u8]) -> Result<Metadata, ItemError> {
    if bytes.is_empty() {
        return Ok(Metadata::default());
    }
    rmp_serde::from_slice(bytes).map_err(|_| MALFORMED)
}

#[cfg(test)]
mod tests {
    use annals_core::NewEvent;

    use super::{super::item::put_event, *};

    fn common() -> Common {
        Common { commit: CommitNumber::FIRST, first: Position::FIRST, recorded: Timestamp::from_micros(7_000).unwrap() }
    }

    fn event() -> NewEvent {
        let event_type = EventType::new("account.opened").unwrap();
        let mut event = NewEvent::new("acme/account-1".parse().unwrap(), event_type, "payload");
        event.tags = ["b", "a", "b"].map(|tag| Tag::new(tag).unwrap()).to_vec();
        event.occurred = Some(Timestamp::from_micros(5_000).unwrap());
        event
    }

    fn content(event: &NewEvent) -> Bytes {
        let mut output = Vec::new();
        put_event(&mut output, event, 3, Version::from(9), common().recorded);
        output.into()
    }

    #[test]
    fn a_head_has_what_the_record_has() {
        let (event, content) = (event(), content(&event()));
        let head = EventHead::take(&content).unwrap();
        assert_eq!((head.ordinal, head.version, head.stream), (3, Version::from(9), "acme/account-1"));
        assert_eq!((head.event_type, head.tags().collect::<Vec<_>>()), ("account.opened", vec!["a", "b"]));
        let record = head.record(common(), &mut Types::default(), Bytes::copy_from_slice).unwrap();
        assert_eq!((record.position, record.version), (Position::from(4), Version::from(9)));
        assert_eq!((&record.stream, &record.event_type), (&event.stream, &event.event_type));
        assert_eq!(
            (record.tags, record.occurred),
            (event.tags[..2].iter().rev().cloned().collect(), event.occurred.unwrap())
        );
        assert_eq!(record.payload, "payload");
    }

    #[test]
    fn an_event_that_is_cut_short_is_malformed() {
        let content = content(&event());
        let payload = content.len() - "payload".len();
        for length in 0..payload {
            let short = content.slice(..length);
            let record = EventHead::take(&short)
                .and_then(|head| head.record(common(), &mut Types::default(), Bytes::copy_from_slice));
            assert_eq!(record, Err(MALFORMED), "{length} bytes");
        }
    }

    #[test]
    fn types_that_were_seen_stay_themselves() {
        let mut types = Types::default();
        for number in (0..30).chain(0..3).chain([2, 2, 0]) {
            let text = format!("test.number-{number}");
            assert_eq!(types.get(&text).unwrap().as_str(), text);
        }
        assert_eq!(types.get(""), Err(MALFORMED));
    }

    #[test]
    fn an_unknown_encoding_is_said() {
        let mut content = content(&event()).to_vec();
        let encoding = content.len() - "payload".len() - 1;
        content[encoding] = 9;
        let content = Bytes::from(content);
        let head = EventHead::take(&content).unwrap();
        assert_eq!(head.record(common(), &mut Types::default(), Bytes::copy_from_slice), Err(ItemError::Encoding(9)));
    }
}
