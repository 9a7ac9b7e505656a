//! The least that a durable log can do: it checks nothing and finds nothing again. What a store costs above it is what
//! the store does for its users.

use std::{io, path::Path};

use bytes::BufMut;

use super::{
    group::Medium,
    segment::{Segments, Space},
};
use crate::{Failure, load::Append};

/// A hand-written log.
pub(super) struct Log {
    segments: Segments,
    buffer: Vec<u8>,
}

impl Log {
    pub(super) fn open(folder: &Path, space: Space) -> io::Result<Self> {
        Ok(Self { segments: Segments::open(folder, space)?, buffer: Vec::new() })
    }
}

impl Medium for Log {
    fn write(&mut self, group: &[Append]) -> Result<(), Failure> {
        self.buffer.clear();
        for append in group {
            encode(append, &mut self.buffer);
        }
        Ok(self.segments.write(&self.buffer)?)
    }
}

/// Length, checksum, content.
fn encode(append: &Append, group: &mut Vec<u8>) {
    let start = group.len();
    group.put_u64(0);
    put_content(append, group);
    if let Some((mut head, body)) = group.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(8)) {
        head.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
        head.put_u32(crc32c::crc32c(body));
    }
}

/// Version, length of the stream's name, the name, the payload: what every yardstick that stores bytes stores.
pub(super) fn put_content(append: &Append, buffer: &mut Vec<u8>) {
    buffer.put_u64(append.expected.next().get());
    let stream = append.stream.as_str().as_bytes();
    buffer.put_u8(u8::try_from(stream.len()).unwrap_or(u8::MAX));
    buffer.put_slice(stream);
    buffer.put_slice(&append.payload);
}

/// The key under which an event of a stream is found: the stream's name, an end that no name holds, the version.
pub(super) fn put_stream_key(append: &Append, buffer: &mut Vec<u8>) {
    buffer.put_slice(append.stream.as_str().as_bytes());
    buffer.put_u8(0);
    buffer.put_u64(append.expected.next().get());
}

#[cfg(test)]
mod tests {
    use annals_core::{StreamId, Version};
    use bytes::Bytes;

    use super::*;

    fn append(payload: &'static [u8]) -> Append {
        Append {
            stream: StreamId::new("bench", "1").unwrap(),
            expected: Version::ZERO,
            payload: Bytes::from_static(payload),
        }
    }

    #[test]
    fn every_group_is_in_the_file() {
        for space in [Space::Growing, Space::Preallocated, Space::Direct] {
            let folder = tempfile::tempdir().unwrap();
            let mut log = Log::open(folder.path(), space).unwrap();
            log.write(&[append(b"first")]).unwrap();
            log.write(&[append(b"second"), append(b"third")]).unwrap();

            let mut expected = Vec::new();
            for payload in [&b"first"[..], b"second", b"third"] {
                encode(&append(payload), &mut expected);
            }
            let written = std::fs::read(folder.path().join("0.log")).unwrap();
            assert_eq!(written.get(..expected.len()), Some(expected.as_slice()));
        }
    }
}
