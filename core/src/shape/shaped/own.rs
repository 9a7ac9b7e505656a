//! annals' own types, and those of crates that are part of its contracts.

use bytes::Bytes;
use uuid::Uuid;

use super::Shaped;
use crate::{
    Actor, Category, CommandId, CommitNumber, ConsumerName, CorrelationId, Digest, EventId, EventType, Generation,
    Position, SchemaVersion, StreamId, Tag, Tenant, Timestamp, TraceParent, Version,
    shape::{Integer, Shape, Types},
};

/// Types that are stored as another type.
macro_rules! stored_as {
    ($($type:ty => $shape:expr),* $(,)?) => {$(
        impl Shaped for $type {
            fn shape(_: &mut Types) -> Shape {
                $shape
            }
        }
    )*};
}

stored_as! {
    Uuid => Shape::Uuid,
    Bytes => Shape::Bytes,
    EventId => Shape::Uuid,
    CommandId => Shape::Uuid,
    CorrelationId => Shape::Uuid,
    Timestamp => Shape::Integer(Integer::I64),
    Version => Shape::Integer(Integer::U64),
    Position => Shape::Integer(Integer::U64),
    CommitNumber => Shape::Integer(Integer::U64),
    SchemaVersion => Shape::Integer(Integer::U32),
    Digest => Shape::array(Shape::Integer(Integer::U8), 16),
    Generation => Shape::Uuid,
    Actor => Shape::Text,
    Category => Shape::Text,
    ConsumerName => Shape::Text,
    EventType => Shape::Text,
    StreamId => Shape::Text,
    Tag => Shape::Text,
    Tenant => Shape::Text,
    TraceParent => Shape::Text,
}
