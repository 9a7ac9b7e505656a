//! Walking through the items of a frame.

use annals_core::{Once, RowWrite};

use super::{
    event_head::EventHead,
    frame::{FRAME_HEADER, FrameHeader},
    item::{ItemError, take_item, take_once, take_row},
    wire::Cursor,
};

/// Walks through the items of a frame in their order: the idempotency key, the events, the rows. Each is checked
/// against its checksum. An error comes with its place within the frame.
pub(crate) struct Items<'a> {
    header: FrameHeader,
    body: usize,
    cursor: Cursor<'a>,
    /// How many items were taken.
    index: usize,
}

/// An event in its frame.
pub(crate) struct FoundEvent<'a> {
    pub(crate) head: EventHead<'a>,
    /// Where its item begins within the frame, and how long it is.
    pub(crate) at: u32,
    pub(crate) length: u32,
}

impl<'a> Items<'a> {
    pub(crate) fn new(header: FrameHeader, body: &'a [u8]) -> Self {
        Self { header, body: body.len(), cursor: Cursor::new(body), index: 0 }
    }

    /// The idempotency key, if the commit has one.
    pub(crate) fn once(&mut self) -> Result<Option<Once>, (u64, ItemError)> {
        let at = self.at();
        self.next_before(self.keys())?.map(take_once).transpose().map_err(|error| (at, error))
    }

    /// The next event; passes over an idempotency key.
    pub(crate) fn event(&mut self) -> Result<Option<FoundEvent<'a>>, (u64, ItemError)> {
        self.next_before(self.keys())?;
        let at = self.at();
        let Some(content) = self.next_before(self.keys() + self.header.events)? else { return Ok(None) };
        let head = EventHead::take(content).map_err(|error| (at, error))?;
        Ok(Some(FoundEvent { head, at: short_offset(at), length: short_offset(self.at() - at) }))
    }

    /// The next row; passes over what comes before.
    pub(crate) fn row(&mut self) -> Result<Option<RowWrite>, (u64, ItemError)> {
        let before = self.keys() + self.header.events;
        while self.next_before(before)?.is_some() {}
        let at = self.at();
        self.next_before(before + self.header.rows)?.map(take_row).transpose().map_err(|error| (at, error))
    }

    /// Checks that nothing follows the last item.
    pub(crate) fn end(&self) -> Result<(), (u64, ItemError)> {
        match self.cursor.rest() {
            0 => Ok(()),
            _ => Err((self.at(), ItemError::Damaged("bytes follow the last item"))),
        }
    }

    fn keys(&self) -> usize {
        usize::from(self.header.keyed)
    }

    /// Where the next item begins within the frame.
    fn at(&self) -> u64 {
        (FRAME_HEADER + self.body - self.cursor.rest()) as u64
    }

    /// The content of the next item, if it is one of the first `count`.
    fn next_before(&mut self, count: usize) -> Result<Option<&'a [u8]>, (u64, ItemError)> {
        if self.index >= count {
            return Ok(None);
        }
        let at = self.at();
        let content =
            take_item(&mut self.cursor, self.header.common.commit, self.index).map_err(|error| (at, error))?;
        self.index += 1;
        Ok(Some(content))
    }
}

fn short_offset(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use annals_core::{
        Commit, CommitNumber, Digest, EventType, IdempotencyKey, LoggedTable, NewEvent, Position, Record, Timestamp,
        Version, judge::Placement,
    };
    use uuid::Uuid;

    use super::{
        super::{
            event_head::Types,
            frame::{Frame, Standing, put_frame},
        },
        *,
    };

    /// The walk gives out what decoding everything does, whatever is passed over.
    #[test]
    fn a_walk_over_the_items_may_pass_over_some() {
        let frame = keyed_frame();
        let content = content(&frame).unwrap();
        assert_eq!((content.events.len(), content.rows.len(), content.once.is_some()), (2, 1, true));
        let mut items = frame.items();
        for (record, at, length) in &content.events {
            let event = items.event().unwrap().unwrap();
            assert_eq!((event.head.stream, event.head.version), (record.stream.as_str(), record.version));
            assert_eq!((event.at, event.length), (*at, *length));
        }
        assert!(items.event().unwrap().is_none());
        assert_eq!(items.row().unwrap(), content.rows.first().cloned());
        assert!(items.row().unwrap().is_none() && items.end().is_ok());
        let mut items = frame.items();
        assert_eq!(items.row().unwrap(), content.rows.first().cloned());
        assert!(frame.items().end().is_err(), "items are left");
    }

    /// P10: whichever byte of the body is flipped, the walk says so, with the item that is damaged.
    #[test]
    fn a_walk_reports_every_flipped_byte() {
        let frame = keyed_frame();
        for index in 0..frame.body.len() {
            let mut body = frame.body.to_vec();
            body[index] ^= 1 << (index % 8);
            let damaged = Frame { body: body.into(), ..frame.clone() };
            let Err((at, _)) = content(&damaged) else { panic!("byte {index} was not noticed") };
            assert!(at <= (FRAME_HEADER + index) as u64, "byte {index} is reported at {at}");
        }
    }

    /// Everything that a frame holds, each event with the place of its item within the frame and the item's length.
    struct Content {
        once: Option<Once>,
        events: Vec<(Record, u32, u32)>,
        rows: Vec<RowWrite>,
    }

    /// Decodes everything.
    fn content(frame: &Frame) -> Result<Content, (u64, ItemError)> {
        let (mut items, mut types) = (frame.items(), Types::default());
        let once = items.once()?;
        let (mut events, mut rows) = (Vec::new(), Vec::new());
        while let Some(event) = items.event()? {
            let record = event
                .head
                .record(frame.header.common, &mut types, |payload| frame.body.slice_ref(payload))
                .map_err(|error| (u64::from(event.at), error))?;
            events.push((record, event.at, event.length));
        }
        while let Some(row) = items.row()? {
            rows.push(row);
        }
        items.end()?;
        Ok(Content { once, events, rows })
    }

    fn keyed_frame() -> Frame {
        let event = |stream: &str| {
            NewEvent::new(stream.parse().unwrap(), EventType::new("test.happened").unwrap(), stream.to_owned())
        };
        let row = RowWrite::put(LoggedTable::new("names").unwrap(), "key", "value");
        let key = IdempotencyKey::new("key").unwrap();
        let once = Once { key, digest: Digest::from_bytes([7; 16]), answer: "answer".into() };
        let commit = Commit { once: Some(once), ..Commit::of([event("s-1"), event("s-2")]).row(row) };
        let placement = Placement {
            commit: CommitNumber::FIRST,
            first: Position::FIRST,
            recorded: Timestamp::EPOCH,
            versions: vec![Version::FIRST; 2],
        };
        let (log, mut output, mut standing) = (Uuid::from_u128(1), Vec::new(), Standing::START);
        put_frame(&mut output, log, &mut standing, (&commit, &placement), &mut Vec::new());
        let header = FrameHeader::take(&output[..FRAME_HEADER], log, 0).unwrap();
        Frame { header, body: output.split_off(FRAME_HEADER).into() }
    }
}
