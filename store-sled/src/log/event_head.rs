//! Reading an event's item: a light head that borrows from its bytes, and the record made of it where one is needed.

use annals_core::{
    CommitNumber, EventId, EventType, Metadata, Position, RecordParts, SchemaVersion, StreamId, Tag, Timestamp, Version,
};
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

/// What a read met last: most records of a log are of few types, what is decided at once is often of one stream and has the same
/// metadata. So each is checked and made once.
#[derive(Debug, Default)]
pub(crate) struct Met {
    types: Vec<EventType>,
    stream: Option<StreamId>,
    /// As it was stored, and what that says.
    metadata: (Vec<u8>, Metadata),
    tags: Vec<Tag>,
}

/// Beyond so many, looking for one costs more than making it.
const TYPES_MAX: usize = 8;

impl Met {
    /// Which of the types `text` is.
    fn event_type(&mut self, text: &str) -> Result<usize, ItemError> {
        if let Some(number) = self.types.iter().position(|met| met.as_str() == text) {
            return Ok(number);
        }
        let event_type = EventType::new(text).map_err(|_| MALFORMED)?;
        if self.types.len() == TYPES_MAX {
            self.types.clear();
        }
        self.types.push(event_type);
        Ok(self.types.len() - 1)
    }

    fn note(&mut self, head: &EventHead<'_>) -> Result<(), ItemError> {
        if !self.stream.as_ref().is_some_and(|met| is_same(met.as_str(), head.stream)) {
            self.stream = Some(head.stream_id()?);
        }
        if self.metadata.0 != head.metadata {
            let metadata = match head.metadata {
                [] => Metadata::default(),
                bytes => rmp_serde::from_slice(bytes).map_err(|_| MALFORMED)?,
            };
            self.metadata = (head.metadata.to_vec(), metadata);
        }
        self.tags.clear();
        for tag in head.tags() {
            self.tags.push(Tag::new(tag).map_err(|_| MALFORMED)?);
        }
        Ok(())
    }
}

/// Whether two ids are the same. Most differ at their end, and to compare the whole of what was written just now stalls the
/// processor: that was a fifth of a scan.
fn is_same(met: &str, text: &str) -> bool {
    met.len() == text.len() && met.as_bytes().last() == text.as_bytes().last() && met == text
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
        Self::parse(content, ("", "")).ok_or(MALFORMED)
    }

    /// The same of an event whose stream and type are likely to be those of one `before` it.
    pub(crate) fn take_like(content: &'a [u8], before: (&'a str, &'a str)) -> Result<Self, ItemError> {
        Self::parse(content, before).ok_or(MALFORMED)
    }

    fn parse(content: &'a [u8], before: (&'a str, &'a str)) -> Option<Self> {
        let mut cursor = Cursor::new(content);
        let ordinal = cursor.varint()?;
        let version = Version::new(cursor.varint()?).ok()?;
        let schema_version = SchemaVersion::new(u32::try_from(cursor.varint()?).ok()?)?;
        let id = cursor.array()?;
        let occurred_after = cursor.signed()?;
        let stream = cursor.text_like(before.0)?;
        let event_type = cursor.text_like(before.1)?;
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

    /// Makes something of all that the record consists of.
    #[inline]
    pub(crate) fn read<R>(
        &self,
        common: Common,
        met: &mut Met,
        make: impl FnOnce(RecordParts<'_>) -> R,
    ) -> Result<R, ItemError> {
        met.note(self)?;
        let event_type = met.event_type(self.event_type)?;
        let (Some(stream), Some(event_type)) = (&met.stream, met.types.get(event_type)) else { return Err(MALFORMED) };
        Ok(make(RecordParts {
            position: self.position(common)?,
            commit: common.commit,
            stream,
            version: self.version,
            id: EventId::from(Uuid::from_bytes(self.id)),
            event_type,
            schema_version: self.schema_version,
            tags: &met.tags,
            metadata: &met.metadata.1,
            recorded: common.recorded,
            occurred: self.occurred(common.recorded)?,
            payload: self.payload()?,
        }))
    }

    fn occurred(&self, recorded: Timestamp) -> Result<Timestamp, ItemError> {
        if self.occurred_after == 0 {
            return Ok(recorded);
        }
        let micros = recorded.as_micros().checked_add(self.occurred_after).ok_or(MALFORMED)?;
        Timestamp::from_micros(micros).map_err(|_| MALFORMED)
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{Actor, NewEvent, Record, judge::in_order};
    use bytes::Bytes;

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
        let record = head.read(common(), &mut Met::default(), Record::of).unwrap();
        assert_eq!((record.position(), record.version()), (Position::from(4), Version::from(9)));
        assert_eq!((record.stream(), record.event_type()), (&event.stream, &event.event_type));
        assert_eq!(
            (record.tags().to_vec(), record.occurred()),
            (event.tags[..2].iter().rev().cloned().collect(), event.occurred.unwrap())
        );
        assert_eq!(record.payload(), b"payload");
    }

    #[test]
    fn an_event_that_is_cut_short_is_malformed() {
        let content = content(&event());
        let payload = content.len() - "payload".len();
        for length in 0..payload {
            let short = content.slice(..length);
            let record = EventHead::take(&short).and_then(|head| head.read(common(), &mut Met::default(), Record::of));
            assert_eq!(record, Err(MALFORMED), "{length} bytes");
        }
    }

    /// What was met before is taken for nothing else, and what is malformed is so behind anything.
    #[test]
    fn what_was_met_stays_itself() {
        let mut met = Met::default();
        for number in (0..30).chain(0..3).chain([2, 2, 0]) {
            let mut event = event();
            event.stream = format!("s-{}", number / 3).parse().unwrap();
            event.event_type = EventType::new(format!("test.number-{number}")).unwrap();
            event.tags.truncate(number % 4);
            event.metadata.actor = (number % 5 > 1).then(|| Actor::new(format!("actor-{}", number % 7)).unwrap());
            let content = content(&event);
            let record = EventHead::take(&content).unwrap().read(common(), &mut met, Record::of).unwrap();
            assert_eq!((record.stream(), record.event_type()), (&event.stream, &event.event_type));
            assert_eq!((record.metadata(), record.tags()), (&event.metadata, &*in_order(&event.tags)));
        }
        let nameless = EventHead { event_type: "", ..EventHead::take(&content(&event())).unwrap() }.read(
            common(),
            &mut met,
            |_| (),
        );
        assert_eq!(nameless, Err(MALFORMED));
    }

    #[test]
    fn an_unknown_encoding_is_said() {
        let mut content = content(&event()).to_vec();
        let encoding = content.len() - "payload".len() - 1;
        content[encoding] = 9;
        let content = Bytes::from(content);
        let head = EventHead::take(&content).unwrap();
        assert_eq!(head.read(common(), &mut Met::default(), Record::of), Err(ItemError::Encoding(9)));
    }
}
