//! The least that a durable log can do: a queue, a thread that writes what is queued as one group, one sync, answers.
//!
//! It checks nothing and finds nothing again: what a store costs above it is what the store does for its users.

use std::{
    io,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use async_trait::async_trait;
use bytes::BufMut;
use tokio::sync::oneshot;

use crate::{
    Failure,
    segment::{Segments, Space},
    subject::{Append, Subject},
};

type Answer = Result<(), Arc<io::Error>>;
type Queued = (Append, oneshot::Sender<Answer>);

/// A hand-written log with group commit.
pub(crate) struct Yardstick {
    /// Nothing once it is finished: the committer ends when all senders are gone.
    queue: Mutex<Option<Sender<Queued>>>,
}

impl Yardstick {
    pub(crate) fn open(folder: &Path, space: Space) -> io::Result<Self> {
        let segments = Segments::open(folder, space)?;
        let (queue, queued) = mpsc::channel();
        thread::Builder::new().name("yardstick committer".to_owned()).spawn(move || commit(&queued, segments))?;
        Ok(Self { queue: Mutex::new(Some(queue)) })
    }
}

#[async_trait]
impl Subject for Yardstick {
    async fn append(&self, append: Append) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().ok_or("the log is finished")?.send((append, answer)).map_err(|_| "the committer ended")?;
        }
        Ok(answered.await??)
    }

    async fn finish(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Writes groups until there is nobody left to queue anything. What was queued during one sync is the next group.
fn commit(queued: &Receiver<Queued>, mut segments: Segments) {
    let (mut group, mut waiting) = (Vec::new(), Vec::new());
    while let Ok(first) = queued.recv() {
        for (append, answer) in std::iter::once(first).chain(queued.try_iter()) {
            encode(&append, &mut group);
            waiting.push(answer);
        }
        let result = segments.write(&group).map_err(Arc::new);
        group.clear();
        for answer in waiting.drain(..) {
            // A writer that went away does not want to know.
            let _ = answer.send(result.clone());
        }
    }
}

/// Length, checksum, version, length of the stream's name, the name, the payload.
fn encode(append: &Append, group: &mut Vec<u8>) {
    let start = group.len();
    group.put_u64(0);
    group.put_u64(append.expected.get());
    let stream = append.stream.as_str().as_bytes();
    group.put_u8(u8::try_from(stream.len()).unwrap_or(u8::MAX));
    group.put_slice(stream);
    group.put_slice(&append.payload);
    if let Some((mut head, body)) = group.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(8)) {
        head.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
        head.put_u32(crc32c::crc32c(body));
    }
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
    fn every_answered_append_is_in_the_file() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for space in [Space::Growing, Space::Preallocated] {
            let folder = tempfile::tempdir().unwrap();
            let log = Yardstick::open(folder.path(), space).unwrap();
            runtime.block_on(log.append(append(b"first"))).unwrap();
            runtime.block_on(log.append(append(b"second"))).unwrap();

            let mut expected = Vec::new();
            encode(&append(b"first"), &mut expected);
            encode(&append(b"second"), &mut expected);
            let written = std::fs::read(folder.path().join("0.log")).unwrap();
            assert_eq!(written.get(..expected.len()), Some(expected.as_slice()));
        }
    }

    #[test]
    fn a_finished_log_takes_nothing() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let log = Yardstick::open(folder.path(), Space::Growing).unwrap();
        runtime.block_on(log.finish());
        assert!(runtime.block_on(log.append(append(b"late"))).is_err());
    }
}
