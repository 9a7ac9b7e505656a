//! Who and what caused an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
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
    /// Whether nothing is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
