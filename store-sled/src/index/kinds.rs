//! The last position of each kind of events, by category and type: what lies behind it has none of that kind, which is
//! known without a look at the log.

use annals_core::{Direction, EventQuery, Position, QueryItem, TenantScope};
use hashbrown::{Equivalent, HashMap};

use super::{
    keys,
    pages::{self, Change, Draft, malformed},
    tree::Tree,
};
use crate::log::wire::{Cursor, put_varint};

/// Beyond so many kinds nothing is said any more, so that memory stays bounded. An application has some hundred.
const KINDS_MAX: usize = 4096;

/// The last positions of all kinds of events.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    last: HashMap<Kind, Position>,
    /// There are more than can be remembered.
    are_too_many: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Kind {
    /// Kinds are told apart by this, not by tenant: there may be many.
    has_tenant: bool,
    category: String,
    event_type: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct KindRef<'a> {
    has_tenant: bool,
    category: &'a str,
    event_type: &'a str,
}

impl Equivalent<Kind> for KindRef<'_> {
    fn equivalent(&self, kind: &Kind) -> bool {
        (self.has_tenant, self.category, self.event_type) == (kind.has_tenant, &kind.category, &kind.event_type)
    }
}

/// Where the last match of a query is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastMatch {
    /// Exactly there; `ZERO` if there is none at all.
    At(Position),
    /// There or before.
    NotBehind(Position),
}

impl LastMatch {
    /// Nothing behind this position matches.
    pub(crate) fn highest(self) -> Position {
        let (Self::At(position) | Self::NotBehind(position)) = self;
        position
    }

    /// What both together say, of two stretches of the log.
    pub(crate) fn or(self, other: Self) -> Self {
        if other.highest() > self.highest() { other } else { self }
    }
}

impl Kinds {
    /// Notes an event of `stream`, a whole stream id.
    pub(crate) fn add(&mut self, stream: &str, event_type: &str, position: Position) {
        let (tenant, rest) = stream.split_once('/').unwrap_or(("", stream));
        let category = rest.split_once('-').map_or(rest, |(category, _)| category);
        self.note(KindRef { has_tenant: !tenant.is_empty(), category, event_type }, position);
    }

    fn note(&mut self, kind: KindRef<'_>, position: Position) {
        if let Some(last) = self.last.get_mut(&kind) {
            *last = position.max(*last);
        } else if self.last.len() < KINDS_MAX {
            let KindRef { has_tenant, category, event_type } = kind;
            let kind = Kind { has_tenant, category: category.to_owned(), event_type: event_type.to_owned() };
            self.last.insert(kind, position);
        } else {
            self.are_too_many = true;
        }
    }

    /// Takes in what another stretch of the log holds.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.are_too_many |= other.are_too_many;
        for (Kind { has_tenant, category, event_type }, position) in &other.last {
            self.note(KindRef { has_tenant: *has_tenant, category, event_type }, *position);
        }
    }

    /// Where the last record is that matches `query`; `None` when that cannot be said.
    pub(crate) fn last_match(&self, query: &EventQuery) -> Option<LastMatch> {
        if self.are_too_many {
            return None;
        }
        let items = query.items();
        let is_possible = |kind: &Kind| {
            let in_scope = match query.tenant() {
                TenantScope::Any => true,
                TenantScope::Only(tenant) => tenant.is_some() == kind.has_tenant,
            };
            in_scope && (items.is_empty() || items.iter().any(|item| matches(item, kind)))
        };
        let possible = self.last.iter().filter(|(kind, _)| is_possible(kind));
        let highest = possible.map(|(_, position)| *position).max().unwrap_or(Position::ZERO);
        let is_exact = !matches!(query.tenant(), TenantScope::Only(Some(_)))
            && items.iter().all(|item| item.streams.is_empty() && item.tags.is_empty());
        Some(if is_exact { LastMatch::At(highest) } else { LastMatch::NotBehind(highest) })
    }

    /// Reads what [`merge`](Self::merge) wrote.
    pub(crate) fn read(tree: &Tree) -> sled::Result<Self> {
        let mut kinds = Self::default();
        let prefix = keys::KINDS.to_vec();
        for entry in pages::range(tree, prefix.clone(), keys::behind(prefix), Direction::Forward) {
            let (key, value) = entry?;
            let lost = || malformed("the last position of a kind");
            let (has_tenant, category, event_type) = keys::take_kind(&key).ok_or_else(lost)?;
            let position = Cursor::new(&value).varint().and_then(|number| Position::new(number).ok());
            kinds.note(KindRef { has_tenant, category, event_type }, position.ok_or_else(lost)?);
        }
        Ok(kinds)
    }

    /// Writes these positions over those that are there, unless there are more than are read.
    pub(crate) fn merge(&self, tree: &Tree) -> sled::Result<()> {
        let key = |kind: &Kind| keys::kind(kind.has_tenant, &kind.category, &kind.event_type);
        let mut changes: Vec<_> = self.last.iter().map(|(kind, last)| Last { key: key(kind), last: *last }).collect();
        if self.are_too_many {
            // One more than are read: so it is known at the next open.
            changes.push(Last { key: keys::kind(true, "\u{1}", "\u{1}"), last: Position::ZERO });
        }
        changes.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        pages::merge(tree, &changes)
    }
}

fn matches(item: &QueryItem, kind: &Kind) -> bool {
    let in_category = |category: &str| category == kind.category;
    (item.categories.is_empty() || item.categories.iter().any(|category| in_category(category.as_str())))
        && (item.streams.is_empty() || item.streams.iter().any(|stream| in_category(stream.category())))
        && (item.types.is_empty() || item.types.iter().any(|event_type| event_type.as_str() == kind.event_type))
}

struct Last {
    key: Vec<u8>,
    last: Position,
}

impl Change for Last {
    fn key(&self) -> &[u8] {
        &self.key
    }

    fn apply(&self, draft: &mut Draft) -> sled::Result<()> {
        let mut value = Vec::new();
        put_varint(&mut value, self.last.get());
        if draft.last().is_some_and(|(key, _)| key == self.key) {
            draft.pop();
        }
        draft.push(&self.key, [&value, &[]]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use annals_core::{Tag, Tenant};

    use super::*;

    fn at(number: u32) -> Position {
        Position::from(number)
    }

    fn of_type(name: &str) -> EventQuery {
        EventQuery::new([QueryItem::new().event_type(name.parse().unwrap())])
    }

    #[test]
    fn the_last_match_is_exact_only_where_kinds_say_all() {
        let mut kinds = Kinds::default();
        for (number, stream, name) in [(1, "order-1", "made"), (2, "acme/order-1", "made"), (3, "item-1", "made")] {
            kinds.add(stream, name, at(number));
        }
        let found = |query: &EventQuery| kinds.last_match(query);
        assert_eq!(found(&EventQuery::all()), Some(LastMatch::At(at(3))));
        assert_eq!(found(&of_type("made")), Some(LastMatch::At(at(3))));
        assert_eq!(found(&of_type("lost")), Some(LastMatch::At(Position::ZERO)));
        let orders = QueryItem::new().category("order".parse().unwrap());
        assert_eq!(found(&EventQuery::new([orders.clone()])), Some(LastMatch::At(at(1))));
        assert_eq!(found(&EventQuery::new([orders.clone()]).any_tenant()), Some(LastMatch::At(at(2))));
        let of_acme = EventQuery::new([orders.clone()]).in_tenant(Some(Tenant::new("acme").unwrap()));
        assert_eq!(found(&of_acme), Some(LastMatch::NotBehind(at(2))));
        let tagged = orders.tag(Tag::new("a").unwrap());
        assert_eq!(found(&EventQuery::new([tagged])), Some(LastMatch::NotBehind(at(1))));
        let one = EventQuery::new([QueryItem::new().stream("order-2".parse().unwrap())]);
        assert_eq!(found(&one), Some(LastMatch::NotBehind(at(1))));
    }

    /// P9: memory is bounded; beyond the bound nothing is said, also after it was read back.
    #[test]
    fn too_many_kinds_say_nothing() {
        let tree = Tree::temporary();
        let mut kinds = Kinds::default();
        let add = |kinds: &mut Kinds, number: usize| kinds.add("order-1", &format!("type-{number}"), at(7));
        for number in 0..KINDS_MAX {
            add(&mut kinds, number);
        }
        kinds.merge(&tree).unwrap();
        assert_eq!(Kinds::read(&tree).unwrap().last_match(&of_type("type-1")), Some(LastMatch::At(at(7))));
        add(&mut kinds, KINDS_MAX);
        kinds.merge(&tree).unwrap();
        for kinds in [&kinds, &Kinds::read(&tree).unwrap()] {
            assert_eq!(kinds.last_match(&of_type("type-1")), None);
            assert_eq!(kinds.last.len(), KINDS_MAX);
        }
    }
}
