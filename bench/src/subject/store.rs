//! A store of annals.

use std::sync::Arc;

use annals_core::{Commit, Condition, EventType, Expected, NewEvent, Store};
use async_trait::async_trait;

use super::Subject;
use crate::{Failure, load::Append};

/// A store of annals. It does what a command does: it checks the version of the stream.
pub(crate) struct OfStore {
    store: Arc<dyn Store>,
    event_type: EventType,
}

impl OfStore {
    pub(crate) fn new(store: Arc<dyn Store>) -> Result<Self, Failure> {
        Ok(Self { store, event_type: EventType::new("bench.appended")? })
    }
}

#[async_trait]
impl Subject for OfStore {
    async fn append(&self, batch: Vec<Append>) -> Result<(), Failure> {
        let mut commit = Commit { events: Vec::with_capacity(batch.len()), ..Commit::new() };
        for Append { stream, expected, payload } in batch {
            // Events of one stream stand side by side: one condition for all of them.
            if commit.events.last().is_none_or(|event| event.stream != stream) {
                commit.conditions.push(Condition::stream(stream.clone(), Expected::At(expected)));
            }
            commit.events.push(NewEvent::new(stream, self.event_type.clone(), payload));
        }
        self.store.commit(commit).await?;
        Ok(())
    }

    async fn finish(&self) {
        self.store.shut_down().await;
    }
}
