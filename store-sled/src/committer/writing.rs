//! Writing a group, on the committer's thread or beside it.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::queue::Queue;
use crate::{
    index::panic_text,
    log::{layout::EncodedGroup, writer::Writer},
    sync::{
        mpsc,
        thread::{self, JoinHandle},
    },
};

/// A group that was written, or not, and who wrote it.
pub(crate) struct Written {
    pub(super) writer: Writer,
    pub(super) group: EncodedGroup,
    pub(super) result: io::Result<()>,
}

/// Writes a group and waits until it is on disk.
pub(super) fn write(mut writer: Writer, group: EncodedGroup) -> Written {
    let result = catch_unwind(AssertUnwindSafe(|| writer.write(&group)))
        .unwrap_or_else(|panic| Err(io::Error::other(format!("the writer panicked: {}", panic_text(&*panic)))));
    Written { writer, group, result }
}

/// A group to write, and what writes it.
type Work = (Writer, EncodedGroup);

/// A thread that writes groups while the committer prepares the next one.
pub(super) struct WriterThread {
    running: Option<(mpsc::Sender<Work>, JoinHandle<()>)>,
}

impl WriterThread {
    /// A thread that says in `queue` what it has written.
    pub(super) fn start(queue: Queue) -> io::Result<Self> {
        let (work, groups) = mpsc::channel();
        let thread = thread::Builder::new().name("annals-writer".into()).spawn(move || {
            for (writer, group) in groups {
                queue.written(write(writer, group));
            }
        })?;
        Ok(Self { running: Some((work, thread)) })
    }

    /// Hands a group over. An error says that nothing was written.
    pub(super) fn hand_over(&self, writer: Writer, group: EncodedGroup) -> Result<(), Box<Written>> {
        let Some((work, _)) = &self.running else { return Err(refused(writer, group)) };
        work.send((writer, group)).map_err(|mpsc::SendError((writer, group))| refused(writer, group))
    }
}

fn refused(writer: Writer, group: EncodedGroup) -> Box<Written> {
    Box::new(Written { writer, group, result: Err(io::Error::other("the thread that writes has ended")) })
}

impl Drop for WriterThread {
    fn drop(&mut self) {
        if let Some((work, thread)) = self.running.take() {
            drop(work);
            // It catches its panics and has nothing to say.
            let _ = thread.join();
        }
    }
}
