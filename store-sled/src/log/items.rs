//! Walking through the items of a frame.

use annals_core::{Once, RowWrite};

use super::{
    event_head::EventHead,
    frame::{FRAME_HEADER, FrameHeader},
    item::{ItemError, take_item, take_item_unchecked, take_once, take_row},
    wire::Cursor,
};

/// Walks through the items of a frame in their order: the idempotency key, the events, the rows. Each is checked
/// against its checksum, unless the whole frame was. An error comes with its place within the frame.
pub(crate) struct Items<'a> {
    header: FrameHeader,
    body: usize,
    /// Whether each item is checked against its checksum.
    is_checked: bool,
    cursor: Cursor<'a>,
    /// How many items were taken.
    index: usize,
    /// Stream and type of the event that was taken last.
    before: (&'a str, &'a str),
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
        Self { header, body: body.len(), is_checked: true, cursor: Cursor::new(body), index: 0, before: ("", "") }
    }

    /// The same items of a frame of which every byte was checked already.
    pub(crate) fn of_whole(header: FrameHeader, body: &'a [u8]) -> Self {
        Self { is_checked: false, ..Self::new(header, body) }
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
        let head = EventHead::take_like(content, self.before).map_err(|error| (at, error))?;
        self.before = (head.stream, head.event_type);
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
        let content = match self.is_checked {
            true => take_item(&mut self.cursor, self.header.common.commit, self.index),
            false => take_item_unchecked(&mut self.cursor).map(|(_, content)| content),
        };
        let content = content.map_err(|error| (at, error))?;
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
        Commit, CommitNumber, Digest, EventType, IdempotencyKey, LoggedTable, NewEvent, Position, Timestamp, Version,
        judge::Placement,
    };
    use uuid::Uuid;

    use super::{
        super::frame::{Frame, Standing, put_frame},
        *,
    };

    /// The walk gives out what decoding everything does, whatever is passed over.
    #[test]
    fn a_walk_over_the_items_may_pass_over_some() {
        let (frame, places) = keyed_frame();
        let content = frame.content().unwrap();
        assert_eq!((content.records.len(), content.rows.len(), content.once.is_some()), (2, 1, true));
        let mut items = frame.items();
        for (record, (at, length)) in content.records.iter().zip(&places) {
            let event = items.event().unwrap().unwrap();
            assert_eq!((event.head.stream, event.head.version), (record.stream().as_str(), record.version()));
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
        let (frame, _) = keyed_frame();
        for index in 0..frame.body.len() {
            let mut body = frame.body.to_vec();
            body[index] ^= 1 << (index % 8);
            let damaged = Frame { body: body.into(), ..frame.clone() };
            let Err((at, _)) = damaged.content() else { panic!("byte {index} was not noticed") };
            assert!(at <= (FRAME_HEADER + index) as u64, "byte {index} is reported at {at}");
        }
    }

    /// A frame, and where its events stand.
    fn keyed_frame() -> (Frame, Vec<(u32, u32)>) {
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
        let mut places = Vec::new();
        put_frame(&mut output, log, &mut standing, (&commit, &placement), &mut places);
        let header = FrameHeader::take(&output[..FRAME_HEADER], log, 0).unwrap();
        (Frame { header, body: output.split_off(FRAME_HEADER).into() }, places)
    }
}
