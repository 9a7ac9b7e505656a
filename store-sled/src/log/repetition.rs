//! What the log says of an idempotency key: the row of `$once`, read from the commit that used the key.

use annals_core::{Once, ReadError, Receipt, StreamId, Version, judge};
use bytes::Bytes;

use super::{
    Log,
    frame::{FRAME_HEADER, Frame, FrameHeader},
    io_error,
    item::ItemError,
};
use crate::index::{keys, once::frame_of};

/// So much of a frame is read at once: most frames with a key are shorter.
const NEAR_BYTES: usize = 2048;

impl Log {
    /// The row of the idempotency key whose key in the index is `key`, from the frame that `found` names. Everything that it
    /// is made of is checked.
    pub(crate) fn repetition(&self, key: &[u8], found: &[u8]) -> Result<Bytes, ReadError> {
        let lost = || ReadError::Index { reason: "it misplaces an idempotency key".to_owned() };
        let at = frame_of(found).ok_or_else(lost)?;
        let frame = self.frame(at)?.ok_or_else(lost)?;
        let (once, receipt) = frame.repetition().map_err(|error| self.item_error(at, error))?.ok_or_else(lost)?;
        if *keys::once(&once.key) != *key {
            return Err(lost());
        }
        judge::once_row(&once, receipt).value.ok_or_else(lost)
    }

    /// The frame at the log offset `at`; `None` outside of the log.
    fn frame(&self, at: u64) -> Result<Option<Frame>, ReadError> {
        let Some((segment, _)) = self.segment(at) else { return Ok(None) };
        let read = |at, length| segment.read(at, length).map_err(|error| io_error(&segment, &error));
        let near = read(at, NEAR_BYTES)?;
        let header = near.get(..FRAME_HEADER).and_then(|header| FrameHeader::take(header, self.id, at));
        let header =
            header.ok_or_else(|| segment.corruption(at, "the header of a commit does not match its checksum"))?;
        let body = match near.get(FRAME_HEADER..FRAME_HEADER + header.body) {
            Some(body) => near.slice_ref(body),
            None => read(at + FRAME_HEADER as u64, header.body)?,
        };
        Ok(Some(Frame { header, body }))
    }
}

impl Frame {
    /// The idempotency key of the commit, if it has one, and the receipt that its sender got. An error comes with its place
    /// within the frame.
    fn repetition(&self) -> Result<Option<(Once, Receipt)>, (u64, ItemError)> {
        let (header, mut items) = (&self.header, self.items());
        let Some(once) = items.once()? else { return Ok(None) };
        let mut versions: Vec<(StreamId, Version)> = Vec::new();
        while let Some(event) = items.event()? {
            let stream = event.head.stream_id().map_err(|error| (u64::from(event.at), error))?;
            versions.push((stream, event.head.version));
        }
        let receipt = Receipt {
            commit: header.common.commit,
            positions: (header.events > 0).then(|| (header.common.first, header.last())),
            versions: judge::latest_versions(versions.iter().map(|(stream, version)| (stream, *version))),
            recorded: header.common.recorded,
            answer: once.answer.clone(),
            repeated: false,
        };
        Ok(Some((once, receipt)))
    }
}
