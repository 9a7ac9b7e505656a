//! Group commit, the same for all yardsticks: a queue, a thread that writes what is queued as one group with one sync,
//! answers.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use async_trait::async_trait;
use tokio::sync::{oneshot, watch};

use super::Subject;
use crate::{Failure, load::Append};

/// Where groups are written.
pub(super) trait Medium: Send + 'static {
    /// Writes all of `group` at once and syncs it.
    fn write(&mut self, group: &[Append]) -> Result<(), Failure>;
}

type Answer = Result<(), Arc<Failure>>;
type Queued = (Vec<Append>, oneshot::Sender<Answer>);

/// A medium with group commit.
pub(super) struct Group {
    /// Nothing once it is finished: the committer ends when all senders are gone.
    queue: Mutex<Option<Sender<Queued>>>,
    ended: watch::Receiver<()>,
}

impl Group {
    pub(super) fn start(medium: impl Medium) -> io::Result<Self> {
        let (queue, queued) = mpsc::channel();
        let (end, ended) = watch::channel(());
        thread::Builder::new().name("yardstick committer".to_owned()).spawn(move || {
            commit(&queued, medium);
            // Who waits is told when the medium is closed.
            drop(end);
        })?;
        Ok(Self { queue: Mutex::new(Some(queue)), ended })
    }
}

#[async_trait]
impl Subject for Group {
    async fn append(&self, batch: Vec<Append>) -> Result<(), Failure> {
        let (answer, answered) = oneshot::channel();
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().ok_or("it is finished")?.send((batch, answer)).map_err(|_| "the committer ended")?;
        }
        answered.await?.map_err(|error| error.to_string().into())
    }

    async fn finish(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It only ever changes by ending.
        let _ = self.ended.clone().changed().await;
    }
}

/// Writes groups until there is nobody left to queue anything. What was queued during one sync is the next group.
fn commit(queued: &Receiver<Queued>, mut medium: impl Medium) {
    let (mut group, mut waiting) = (Vec::new(), Vec::new());
    while let Ok(first) = queued.recv() {
        for (mut batch, answer) in std::iter::once(first).chain(queued.try_iter()) {
            group.append(&mut batch);
            waiting.push(answer);
        }
        let result = medium.write(&group).map_err(Arc::new);
        for answer in waiting.drain(..) {
            // A writer that went away does not want to know.
            let _ = answer.send(result.clone());
        }
        group.clear();
    }
}
