//! The contracts of annals, and everything that needs no disk.
//!
//! Read in the order of the modules: first what is stored, then how it changes ([`Commit`], [`Condition`]), how it is
//! read ([`ReadStream`], [`ReadLog`], [`Scan`]), the contract itself ([`Store`]) with its reference ([`MemoryStore`]), and
//! last how commands are executed on it ([`Annals`]).

mod text;

mod clock;
mod event_id;
mod event_type;
mod metadata;
mod new_event;
mod number;
mod record;
mod records;
mod stream_id;
mod tag;
mod timestamp;

mod commit;
mod condition;
mod limits;
mod once;
mod query;
mod read;
mod row_batch;
mod stored_commit;
mod table;

pub mod codec;
mod decode;
mod event;
mod kind;
pub mod past;
pub mod shape;
mod upcast;

mod aggregate;
mod command;
mod decision;
mod home;
mod names;
mod prepare;
mod snapshot;

mod boundary;
mod intercept;
mod joint;
mod schemas;

mod follow;
pub mod judge;
mod memory;
mod store;

#[cfg(test)]
mod account;
mod annals;
mod cache;
mod component;
mod difference;
mod execute;
mod history;
mod load;
mod prune;
mod streams;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod transform;

pub use async_trait::async_trait;

pub use aggregate::{Aggregate, AggregateId, Evolve, FormerState, Handle, PastSnapshot, Snapshots};
pub use annals::{Annals, Builder, OpenError, OpenStore};
pub use boundary::{Boundary, BoundaryDecision, Selection, Within, boundary};
pub use clock::{Clock, FixedClock, SystemClock};
pub use command::{Command, PastCommand, Reply};
pub use commit::{Commit, CommitError, Receipt};
pub use component::{Component, Running};
pub use condition::{Condition, Expected, Failure, RowIs};
pub use decision::{Decision, Ids};
pub use decode::{DecodeError, DecodeProblem, Decoded, Readable, Unknown, decode_record, decode_record_or};
pub use difference::Difference;
pub use event::{Event, EventForm, EventKind};
pub use event_id::{CommandId, CorrelationId, EventId};
pub use event_type::{EventType, SchemaVersion};
pub use execute::{At, Beside, CloseError, ExecuteError, Executed, On, RetryPolicy, Sending, Targets, Together, at};
pub use follow::StoreExt;
pub use history::{LoadAtError, Moment, Step};
pub use home::{Home, in_stream};
pub use intercept::{Closing, Intent, Interceptor, Rejection};
pub use joint::JointCommand;
pub use kind::KindOf;
pub use limits::{InvalidCommit, Limits, ROW_KEY_BYTES_MAX};
pub use load::{LoadError, Loaded};
pub use memory::MemoryStore;
pub use metadata::{Actor, Metadata, TraceParent};
pub use names::{HolderError, NameClaim, NameKey, NameKeyError, NameRefusal, UniqueName};
pub use new_event::NewEvent;
pub use number::{CommitNumber, NUMBER_MAX, NumberTooLarge, Position, Version};
pub use once::{Digest, IdempotencyKey, Once, Repetition};
pub use past::Past;
pub use prepare::{Preparation, Prepare};
pub use prune::{KeysBefore, PruneError, Pruned, Pruning};
pub use query::{EventQuery, QueryItem, TenantScope};
pub use read::{AsOf, Corruption, Direction, PAGE_ROWS_MAX, Page, ReadError, ReadLog, ReadStream, Scan};
pub use record::{Record, RecordParts};
pub use records::{Records, RecordsBuilder};
pub use row_batch::{ApplyError, ConsumerName, DerivedCondition, Epoch, Generation, RowBatch};
pub use schemas::{CommandSchema, EventSchemas, HeldSchema, KindSchema, PastForm, SchemaRefusal, Schemas};
pub use shape::{Shape, Shaped};
pub use snapshot::{SnapshotCounts, SnapshotError, SnapshotPolicy};
pub use store::{Head, Store};
pub use stored_commit::StoredCommit;
pub use stream_id::{Category, StreamId, Tenant};
pub use table::{DerivedTable, DerivedWrite, LoggedTable, RowWrite, Table};
pub use tag::Tag;
pub use text::{InvalidText, TEXT_BYTES_MAX, TextProblem};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use transform::{
    Fate, RecodeError, StreamFate, TransformCounts, TransformError, Transformation, TransformationName, TransformedAt,
    Transformer, Unchanged,
};
pub use upcast::{Upcast, UpcastError};
