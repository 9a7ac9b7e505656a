//! Which records a read, a condition or a consumer means.

use crate::{Category, EventType, Record, StreamId, Tag, Tenant};

/// Which records a read, a condition or a consumer means. One type for all three, so that they cannot disagree.
///
/// A record matches when it belongs to the query's tenant **and** any of the items matches it. A query without items
/// is matched by every record of its tenant.
///
/// A query looks at the records of no tenant unless it says [`in_tenant`](Self::in_tenant) or
/// [`any_tenant`](Self::any_tenant); only [`all`](Self::all) begins with every tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EventQuery {
    tenant: TenantScope,
    items: Vec<QueryItem>,
}

/// Whose records a query looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TenantScope {
    /// Those of every tenant and of none.
    Any,
    /// Those of this tenant, or those that belong to none.
    Only(Option<Tenant>),
}

/// One alternative of a query: one of its categories **and** one of its streams **and** one of its types **and** all
/// of its tags. A list that is empty does not restrict.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct QueryItem {
    /// The record's stream has one of these categories.
    pub categories: Vec<Category>,
    /// The record belongs to one of these streams.
    pub streams: Vec<StreamId>,
    /// The record has one of these stored names.
    pub types: Vec<EventType>,
    /// The record carries all of these tags.
    pub tags: Vec<Tag>,
}

impl EventQuery {
    /// Every record of every tenant.
    #[must_use]
    pub const fn all() -> Self {
        Self { tenant: TenantScope::Any, items: Vec::new() }
    }

    /// The records without a tenant that match any of `items`; every record without a tenant if there are none.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = QueryItem>) -> Self {
        Self { tenant: TenantScope::Only(None), items: items.into_iter().collect() }
    }

    /// The same, among the records of `tenant`, or among those of none.
    #[must_use]
    pub fn in_tenant(mut self, tenant: Option<Tenant>) -> Self {
        self.tenant = TenantScope::Only(tenant);
        self
    }

    /// The same, among the records of every tenant.
    #[must_use]
    pub fn any_tenant(mut self) -> Self {
        self.tenant = TenantScope::Any;
        self
    }

    /// Whose records it looks at.
    #[must_use]
    pub const fn tenant(&self) -> &TenantScope {
        &self.tenant
    }

    /// Its alternatives.
    #[must_use]
    pub fn items(&self) -> &[QueryItem] {
        &self.items
    }

    /// Whether every record of its tenant matches: there are no items, or one that does not restrict.
    #[must_use]
    pub fn is_match_all(&self) -> bool {
        self.items.is_empty() || self.items.iter().any(QueryItem::is_match_all)
    }

    /// Whether `record` matches.
    #[must_use]
    pub fn matches(&self, record: &Record) -> bool {
        self.matches_parts(record.stream(), record.event_type(), record.tags())
    }

    /// Whether a record of `stream` with this type and these tags would match.
    #[must_use]
    pub fn matches_parts(&self, stream: &StreamId, event_type: &EventType, tags: &[Tag]) -> bool {
        self.matches_texts(stream.as_str(), event_type.as_str(), tags.iter().map(Tag::as_str))
    }

    /// Whether a record would match whose stream, type and tags have these texts. For a store that looks at what it
    /// has stored before it makes a record of it; the texts are taken to be valid.
    #[must_use]
    pub fn matches_texts<'a>(
        &self,
        stream: &str,
        event_type: &str,
        tags: impl Iterator<Item = &'a str> + Clone,
    ) -> bool {
        let in_scope = match &self.tenant {
            TenantScope::Any => true,
            TenantScope::Only(tenant) => tenant.as_ref().map(Tenant::as_str) == StreamId::parts_of(stream).0,
        };
        in_scope && (self.items.is_empty() || self.items.iter().any(|item| item.matches(stream, event_type, &tags)))
    }
}

impl QueryItem {
    /// An alternative that does not restrict yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also accepts streams of `category`.
    #[must_use]
    pub fn category(mut self, category: Category) -> Self {
        self.categories.push(category);
        self
    }

    /// Also accepts `stream`.
    #[must_use]
    pub fn stream(mut self, stream: StreamId) -> Self {
        self.streams.push(stream);
        self
    }

    /// Also accepts `event_type`.
    #[must_use]
    pub fn event_type(mut self, event_type: EventType) -> Self {
        self.types.push(event_type);
        self
    }

    /// Also demands `tag`.
    #[must_use]
    pub fn tag(mut self, tag: Tag) -> Self {
        self.tags.push(tag);
        self
    }

    /// Whether it does not restrict at all.
    #[must_use]
    pub fn is_match_all(&self) -> bool {
        self.categories.is_empty() && self.streams.is_empty() && self.types.is_empty() && self.tags.is_empty()
    }

    /// Whether it accepts `record`, of whatever tenant that is.
    #[must_use]
    pub fn accepts(&self, record: &Record) -> bool {
        let tags = record.tags().iter().map(Tag::as_str);
        self.matches(record.stream().as_str(), record.event_type().as_str(), &tags)
    }

    pub(crate) fn matches<'a>(
        &self,
        stream: &str,
        event_type: &str,
        tags: &(impl Iterator<Item = &'a str> + Clone),
    ) -> bool {
        let is_category = |category: &Category| category.as_str() == StreamId::parts_of(stream).1;
        (self.types.is_empty() || self.types.iter().any(|wanted| wanted.as_str() == event_type))
            && (self.streams.is_empty() || self.streams.iter().any(|wanted| wanted.as_str() == stream))
            && (self.categories.is_empty() || self.categories.iter().any(is_category))
            && self.tags.iter().all(|wanted| tags.clone().any(|tag| tag == wanted.as_str()))
    }
}
