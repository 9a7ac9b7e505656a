//! What a sender asks for beyond the command itself, and how a repetition is recognised.

use std::{any::Any, borrow::Cow, sync::Arc};

use bytes::Bytes;

use crate::{
    Annals, Beside, Command, CommitError, Digest, Expected, Failure, IdempotencyKey, Intent, InvalidText, Metadata,
    Once, ReadError, Receipt, Rejection, Repetition, Reply, Store, StreamId, Tag, Timestamp, Version,
    codec::{self, EncodeError, PayloadError},
};

use super::{ExecuteError, Executed, Terms, targets::repeated};

/// What a sender asks for beyond the command itself.
pub(crate) struct Request<R> {
    pub(crate) metadata: Metadata,
    pub(crate) occurred: Option<Timestamp>,
    pub(crate) expected: Option<Version>,
    pub(crate) asked: Option<Asked<R>>,
    pub(crate) beside: Beside,
    /// The command, for interceptors to look at.
    command: Option<Box<dyn Any + Send + Sync>>,
}

/// A key, what is asked under it, and how its answer is written down. A mistake in it shows when it is executed.
///
/// The functions are taken where their bounds hold, so that only keyed commands need to be `Command` and only their
/// replies `Reply`.
pub(crate) struct Asked<R> {
    key: Result<IdempotencyKey, InvalidText>,
    command: &'static str,
    version: u32,
    content: Result<u64, EncodeError>,
    encode: fn(&R) -> Result<Bytes, EncodeError>,
    decode: fn(&[u8]) -> Result<R, PayloadError>,
}

/// A request under a key that was found to be in order.
pub(crate) struct Keyed<R> {
    key: IdempotencyKey,
    digest: Digest,
    encode: fn(&R) -> Result<Bytes, EncodeError>,
    decode: fn(&[u8]) -> Result<R, PayloadError>,
}

impl<R> Default for Request<R> {
    fn default() -> Self {
        Self {
            metadata: Metadata::default(),
            occurred: None,
            expected: None,
            asked: None,
            beside: Beside::new(),
            command: None,
        }
    }
}

impl<R: Reply> Asked<R> {
    pub(crate) fn new<C: Command>(key: &str, command: &C) -> Self {
        Self {
            key: IdempotencyKey::new(key),
            command: C::NAME,
            version: C::VERSION,
            content: codec::fingerprint("command", command),
            encode: R::encode,
            decode: R::decode,
        }
    }
}

impl<R> Request<R> {
    /// Lets interceptors look at `command`, if there are any.
    pub(super) fn show<C: Clone + Send + Sync + 'static>(&mut self, annals: &Annals, command: &C) {
        if !annals.interceptors().is_empty() {
            self.command = Some(Box::new(command.clone()));
        }
    }

    /// Completes the metadata, and asks every interceptor. Each request is a command of its own and begins a conversation
    /// unless it says which it belongs to.
    pub(super) async fn intercept(
        &mut self,
        annals: &Annals,
        streams: &[StreamId],
        tags: &[Tag],
    ) -> Result<(), Rejection> {
        self.metadata.complete();
        if annals.interceptors().is_empty() {
            return Ok(());
        }
        let key = self.asked.as_ref().and_then(|asked| asked.key.clone().ok());
        let key = key.map(|key| key.in_tenant(annals.tenant().cloned())).or_else(|| self.beside.key().cloned());
        let mut intent = Intent {
            streams,
            tags,
            tenant: annals.tenant(),
            key: key.as_ref(),
            metadata: &mut self.metadata,
            command: self.command.as_deref(),
        };
        for interceptor in annals.interceptors() {
            interceptor.intercept(&mut intent).await?;
        }
        Ok(())
    }

    /// What is common to all decisions and events. The metadata is there from now on.
    pub(super) fn terms(&mut self, annals: &Annals) -> Terms {
        let (tenant, metadata) = (annals.tenant().cloned(), Arc::new(std::mem::take(&mut self.metadata)));
        Terms { now: annals.clock().now(), metadata, occurred: self.occurred, tenant }
    }

    /// Compares what was loaded with the version that the sender expects.
    pub(super) fn check_version<E>(&self, versions: &[(StreamId, Version)]) -> Result<(), ExecuteError<E>> {
        let Some(expected) = self.expected else { return Ok(()) };
        let failures: Vec<_> = versions
            .iter()
            .filter(|(_, actual)| *actual != expected)
            .map(|(stream, actual)| Failure::Stream {
                stream: stream.clone(),
                expected: Expected::At(expected),
                actual: *actual,
            })
            .collect();
        if failures.is_empty() {
            return Ok(());
        }
        Err(ExecuteError::Conflict { failures, attempts: 0, expected: Some(expected) })
    }

    /// The request under its key, about these streams, and about what boundaries select by.
    pub(super) fn keyed<E>(
        &mut self,
        annals: &Annals,
        streams: &[StreamId],
        tags: &[Tag],
    ) -> Result<Option<Keyed<R>>, ExecuteError<E>> {
        if let Some(stream) = repeated(streams) {
            return Err(ExecuteError::SameStream { stream: stream.clone() });
        }
        let Some(asked) = self.asked.take() else { return Ok(None) };
        let key = asked.key.map_err(ExecuteError::InvalidName)?.in_tenant(annals.tenant().cloned());
        let (version, content) = (asked.version.to_be_bytes(), asked.content?.to_be_bytes());
        let targets = listed(streams, tags);
        let digest = Digest::of(&[targets.as_bytes(), asked.command.as_bytes(), &version, &content]);
        Ok(Some(Keyed { key, digest, encode: asked.encode, decode: asked.decode }))
    }
}

/// Neither stream ids nor tags hold a line break, and none is empty, so the borders between them are clear.
fn listed<'a>(streams: &'a [StreamId], tags: &[Tag]) -> Cow<'a, str> {
    if let ([stream], []) = (streams, tags) {
        return stream.as_str().into();
    }
    let mut listed = streams.iter().map(StreamId::as_str).collect::<Vec<_>>().join("\n");
    for (index, tag) in tags.iter().enumerate() {
        listed.push_str(if index == 0 { "\n\n" } else { "\n" });
        listed.push_str(tag.as_str());
    }
    listed.into()
}

impl<R> Keyed<R> {
    pub(super) fn key(&self) -> &IdempotencyKey {
        &self.key
    }

    /// What the first request under this key was answered. It only saves the work: the commit looks again.
    pub(super) async fn first_answer<E>(&self, store: &Arc<dyn Store>) -> Result<Option<Executed<R>>, ExecuteError<E>> {
        let fail = |error: ReadError| ExecuteError::Store(CommitError::Unreadable(error));
        let (table, row) = self.key.row();
        let rows = store.get(&[(table.into(), row)]).await.map_err(fail)?;
        let Some(row) = rows.into_iter().flatten().next() else { return Ok(None) };
        let Some(first) = Repetition::decode(&row) else {
            let reason = format!("the row of idempotency key {} cannot be decoded", self.key);
            return Err(fail(ReadError::Index { reason }));
        };
        if first.digest != self.digest {
            let key = self.key.clone();
            return Err(ExecuteError::KeyReused { key, recorded: first.digest, found: self.digest });
        }
        self.answer(first.receipt).map(Some)
    }

    pub(super) fn answer<E>(&self, receipt: Receipt) -> Result<Executed<R>, ExecuteError<E>> {
        match (self.decode)(&receipt.answer) {
            Ok(reply) => Ok(Executed { reply, receipt }),
            Err(problem) => Err(ExecuteError::Answer { receipt: Box::new(receipt), problem }),
        }
    }

    pub(super) fn once(&self, reply: &R) -> Result<Once, EncodeError> {
        Ok(Once { key: self.key.clone(), digest: self.digest, answer: (self.encode)(reply)? })
    }
}
