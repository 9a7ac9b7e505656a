//! Who and what caused an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Record,
    event_id::{CommandId, CorrelationId, EventId},
    text::{self, text_type},
};

text_type! {
    /// Who acted: a user, a service.
    Actor, "actor", text::check, &[]
}

text_type! {
    /// A W3C trace context header, <https://www.w3.org/TR/trace-context/#traceparent-header>. Carried, not interpreted.
    TraceParent, "traceparent", text::check, &[]
}

/// Who and what caused an event. Everything is optional; what has no field of its own goes into `extra`.
///
/// At most 64 KiB encoded ([`Limits::metadata_bytes`](crate::Limits)).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Metadata {
    /// The conversation that the event belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<CorrelationId>,
    /// The event that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<EventId>,
    /// The command that led to this event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<CommandId>,
    /// Who acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The trace that the event belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<TraceParent>,
    /// Whatever else an application wants to keep beside the event.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}

impl Metadata {
    /// With nothing set.
    pub(crate) const EMPTY: Self = Self {
        correlation: None,
        causation: None,
        command: None,
        actor: None,
        traceparent: None,
        extra: BTreeMap::new(),
    };

    /// The metadata of what `record` led to: the same conversation, the record as its cause. Who acted is not taken over.
    #[must_use]
    pub fn caused_by(record: &Record) -> Self {
        let mut metadata = Self::default();
        metadata.follow(record);
        metadata
    }

    /// The same, on top of what is set.
    pub(crate) fn follow(&mut self, record: &Record) {
        self.correlation = record.metadata().correlation.or(self.correlation);
        self.causation = Some(record.id());
    }

    /// Sets what is missing and the framework knows: ids of command and conversation, and the trace of the current span.
    ///
    /// The trace is named by the conversation and the span by its id in this process, so that a log line of the span and an
    /// event find each other; an application that exports its traces sets `traceparent` itself, in an interceptor say.
    pub(crate) fn complete(&mut self) {
        self.command.get_or_insert_with(CommandId::new);
        let correlation = *self.correlation.get_or_insert_with(CorrelationId::new);
        if self.traceparent.is_none()
            && let Some(span) = tracing::Span::current().id()
        {
            let text = format!("00-{:032x}-{:016x}-01", correlation.as_uuid().as_u128(), span.into_u64());
            self.traceparent = TraceParent::new(text).ok();
        }
    }

    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { correlation, causation, command, actor, traceparent, extra } = self;
        let has_id = correlation.is_some() || causation.is_some() || command.is_some();
        !has_id && actor.is_none() && traceparent.is_none() && extra.is_empty()
    }
}

#[cfg(test)]
mod tests;
