//! What a store has ever held, kept in it: `$schemas`.
//!
//! A row stands for a stored name and a version: its value are the shapes that events were stored in under it, the latest
//! first. It is written by the first commit that stores such an event, so that the store itself can tell what it holds.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use hashbrown::HashMap;

use crate::{
    Commit, Condition, EventKind, Failure, LoggedTable, ReadError, RowIs, RowWrite, Scan, SchemaRefusal, SchemaVersion,
    Schemas, Store,
    codec::{self, EncodeError},
    shape::{Direction, Mode, Schema},
};

use super::{HeldSchemas, incompatibilities};

/// A stored name and version, and the shapes that events were stored in under it, the latest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldSchema {
    /// The stored name.
    pub name: String,
    /// The version.
    pub version: SchemaVersion,
    /// The shapes.
    pub schemas: Vec<Schema>,
}

/// What the store holds, beside what the application stores.
pub(crate) struct Registry {
    mode: Mode,
    forms: HashMap<&'static str, Form>,
    held: Mutex<Held>,
}

/// What an application stores under one name.
struct Form {
    /// Under which names else it may be stored in this version.
    aliases: &'static [&'static str],
    version: SchemaVersion,
    schema: Schema,
    /// Whether the store is known to hold it in this shape.
    is_held: AtomicBool,
}

/// Of so many older versions it is a condition that nobody else stores them meanwhile: who counts higher has begun elsewhere.
const OLDER_MAX: usize = 64;

type Held = BTreeMap<String, BTreeMap<SchemaVersion, Row>>;

/// A row as it is stored, and what it says.
struct Row {
    value: Bytes,
    schemas: Vec<Schema>,
}

/// Why a commit is not to be made.
pub(crate) enum Unregistered {
    Refused(Vec<SchemaRefusal>),
    Encode(EncodeError),
}

impl Registry {
    /// Reads what `store` holds; nothing when the application has registered nothing.
    pub(crate) async fn open(store: &dyn Store, schemas: &Schemas) -> Result<Self, ReadError> {
        let forms = schemas.events().flat_map(|events| events.forms()).map(|form| (form.kind, form.schema));
        let registry = Self::of(schemas.mode(), forms);
        if !registry.forms.is_empty() {
            registry.read(store).await?;
        }
        Ok(registry)
    }

    /// One that knows nothing of a store yet.
    pub(crate) fn of(mode: Mode, forms: impl IntoIterator<Item = (&'static EventKind, Schema)>) -> Self {
        let forms = forms.into_iter().map(|(kind, schema)| {
            let (aliases, version) = (kind.aliases, kind.schema_version());
            (kind.name, Form { aliases, version, schema, is_held: AtomicBool::new(false) })
        });
        Self { mode, forms: forms.collect(), held: Mutex::default() }
    }

    /// Reads again what the store holds.
    pub(crate) async fn read(&self, store: &dyn Store) -> Result<(), ReadError> {
        let mut held = Held::new();
        for (HeldSchema { name, version, schemas }, value) in rows(store).await? {
            held.entry(name).or_default().insert(version, Row { value, schemas });
        }
        for (name, form) in &self.forms {
            let latest = held.get(*name).and_then(|held| held.get(&form.version)?.schemas.first());
            form.is_held.store(latest == Some(&form.schema), Ordering::Relaxed);
        }
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(())
    }

    /// Adds a row for each event of `commit` whose form the store does not hold yet, on condition that what it was compared
    /// with is what the store still holds. Returns the names of these.
    pub(crate) fn register(&self, commit: &mut Commit) -> Result<Vec<&'static str>, Unregistered> {
        let mut new: Vec<(&'static str, &Form)> = Vec::new();
        for event in &commit.events {
            if let Some((name, form)) = self.forms.get_key_value(event.event_type.as_str())
                && !form.is_held.load(Ordering::Relaxed)
                && new.iter().all(|(known, _)| known != name)
            {
                new.push((*name, form));
            }
        }
        let mut refusals = Vec::new();
        for (name, form) in &new {
            match self.row(name, form).map_err(Unregistered::Encode)? {
                Ok((conditions, row)) => {
                    commit.conditions.extend(conditions);
                    commit.rows.push(row);
                }
                Err(refusal) => refusals.push(refusal),
            }
        }
        if !refusals.is_empty() {
            return Err(Unregistered::Refused(refusals));
        }
        Ok(new.into_iter().map(|(name, _)| name).collect())
    }

    /// The row that says that the store holds this form, and the conditions under which it may.
    fn row(&self, name: &str, form: &Form) -> Result<Result<(Vec<Condition>, RowWrite), SchemaRefusal>, EncodeError> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let names = || std::iter::once(&name).chain(form.aliases).copied();
        let mut by_version = HeldSchemas::new();
        for (version, row) in names().filter_map(|name| held.get(name)).flatten() {
            by_version.entry(*version).or_default().extend(&row.schemas);
        }
        let found = incompatibilities(self.mode, form.version, &form.schema, &by_version);
        if !found.is_empty() {
            let (name, version, mode) = (name.to_owned(), form.version, self.mode);
            return Ok(Err(SchemaRefusal { name, version, mode, found }));
        }
        let before = held.get(name).and_then(|versions| versions.get(&form.version));
        let earlier = before.into_iter().flat_map(|row| &row.schemas).filter(|shape| **shape != form.schema);
        let texts: Vec<_> = std::iter::once(&form.schema).chain(earlier).map(ToString::to_string).collect();
        let (table, key) = (LoggedTable::SCHEMAS, key(name, form.version));
        let row = RowWrite::put(table, key, codec::encode("shapes", &texts)?);
        let compared = self.compared(form.version);
        let conditions = compared.flat_map(|version| names().map(move |name| (name, version)));
        Ok(Ok((conditions.map(|(name, version)| is_as_held(&held, name, version)).collect(), row)))
    }

    /// The versions whose rows say whether a form of `version` is let in.
    fn compared(&self, version: SchemaVersion) -> impl Iterator<Item = SchemaVersion> {
        let older_max = if self.mode.directions().contains(&Direction::Forward) { OLDER_MAX } else { 0 };
        let older = (1..version.get()).rev().take(older_max).filter_map(SchemaVersion::new);
        std::iter::once(version).chain(older)
    }

    /// Notes that a commit was made that said what the store holds.
    pub(crate) fn note(&self, new: &[&'static str]) {
        for form in new.iter().filter_map(|name| self.forms.get(name)) {
            form.is_held.store(true, Ordering::Relaxed);
        }
    }

    /// Reads again what the store holds if that is among what stood against a commit. Whether it was all.
    pub(crate) async fn catch_up(&self, store: &dyn Store, failures: &[Failure]) -> Result<bool, ReadError> {
        let is_own =
            |failure: &Failure| matches!(failure, Failure::Row { table, .. } if *table == LoggedTable::SCHEMAS);
        if !failures.iter().any(is_own) {
            return Ok(false);
        }
        self.read(store).await?;
        Ok(failures.iter().all(is_own))
    }
}

/// The row of this name and version is as it was read.
fn is_as_held(held: &Held, name: &str, version: SchemaVersion) -> Condition {
    let row = held.get(name).and_then(|versions| versions.get(&version));
    let is = row.map_or(RowIs::Absent, |row| RowIs::Equals(row.value.clone()));
    Condition::Row { table: LoggedTable::SCHEMAS, key: key(name, version), is }
}

/// All that `store` says that it holds, by name and version.
pub(super) async fn held_schemas(store: &dyn Store) -> Result<Vec<HeldSchema>, ReadError> {
    Ok(rows(store).await?.into_iter().map(|(held, _)| held).collect())
}

async fn rows(store: &dyn Store) -> Result<Vec<(HeldSchema, Bytes)>, ReadError> {
    let mut held = Vec::new();
    let mut next = Some(Scan::all(LoggedTable::SCHEMAS));
    while let Some(scan) = next {
        let page = store.scan(scan).await?;
        for (key, value) in page.rows {
            let told = || format!("the row {} of $schemas says nothing that this version knows", key.escape_ascii());
            let schema = decode(&key, &value).ok_or_else(|| ReadError::Index { reason: told() })?;
            held.push((schema, value));
        }
        next = page.next;
    }
    Ok(held)
}

fn key(name: &str, version: SchemaVersion) -> Bytes {
    // A stored name holds no control character.
    [name.as_bytes(), &[0], &version.get().to_be_bytes()].concat().into()
}

fn decode(key: &[u8], value: &[u8]) -> Option<HeldSchema> {
    let (name, version) = key.split_last_chunk::<4>()?;
    let name = std::str::from_utf8(name.strip_suffix(&[0])?).ok()?.to_owned();
    let version = SchemaVersion::new(u32::from_be_bytes(*version))?;
    let texts: Vec<String> = codec::decode(value).ok()?;
    let schemas = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>().ok()?;
    Some(HeldSchema { name, version, schemas })
}
