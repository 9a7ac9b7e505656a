//! The tables of a projection, and what they are called in a store.

use std::any::TypeId;

use annals_core::{DerivedTable, InvalidText, Tenant};

use crate::{
    Row, RowIndex,
    rows::{AnyTable, TypedTable},
};

/// The tables that a projection keeps: `Tables::new().with::<Balance>().with::<Statement>()`.
#[derive(Clone, Default)]
pub struct Tables {
    specs: Vec<TableSpec>,
}

/// What there is to know of one table.
#[derive(Clone)]
pub(crate) struct TableSpec {
    pub(crate) row: TypeId,
    pub(crate) name: &'static str,
    pub(crate) indexes: &'static [RowIndex],
    pub(crate) keyed_by_lane: bool,
    pub(crate) schema: Option<String>,
    /// Makes the table, given whether nothing is stored of it.
    pub(crate) make: fn(TableNames, bool) -> Box<dyn AnyTable>,
}

/// What a table and its indexes are called in a store, for one tenant and one build of the read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableNames {
    /// The build of the read model.
    pub(crate) build: u64,
    pub(crate) rows: DerivedTable,
    /// In the order of [`Row::INDEXES`].
    pub(crate) indexes: Vec<DerivedTable>,
}

impl Tables {
    /// No table yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with the table of the rows `R`.
    #[must_use]
    pub fn with<R: Row>(mut self) -> Self {
        self.specs.push(TableSpec {
            row: TypeId::of::<R>(),
            name: R::TABLE,
            indexes: R::INDEXES,
            keyed_by_lane: R::KEYED_BY_LANE,
            schema: R::schema().map(|schema| schema.to_string()),
            make: |names, is_empty| Box::new(TypedTable::<R>::new(names, is_empty)),
        });
        self
    }

    pub(crate) fn specs(&self) -> &[TableSpec] {
        &self.specs
    }
}

impl TableNames {
    /// Those of `spec` in build `build` of `projection`. No name of ours holds a colon.
    pub(crate) fn of(
        projection: &str,
        build: u64,
        name: &str,
        indexes: &[RowIndex],
        tenant: Option<&Tenant>,
    ) -> Result<Self, InvalidText> {
        let mut tables = Self::relative(name, indexes).map(|name| Self::table(projection, build, &name, tenant));
        // There is one for the rows, and then one for each index.
        let rows = tables.next().unwrap_or_else(|| Self::table(projection, build, name, tenant))?;
        Ok(Self { build, rows, indexes: tables.collect::<Result<_, _>>()? })
    }

    /// What the table of the rows, and then those of its indexes, are called behind projection and build.
    pub(crate) fn relative(name: &str, indexes: &[RowIndex]) -> impl Iterator<Item = String> {
        let indexes = indexes.iter().map(move |index| format!("{name}:{}", index.name));
        std::iter::once(name.to_owned()).chain(indexes)
    }

    /// The table of this relative name.
    pub(crate) fn table(
        projection: &str,
        build: u64,
        relative: &str,
        tenant: Option<&Tenant>,
    ) -> Result<DerivedTable, InvalidText> {
        Ok(DerivedTable::new(&format!("{projection}:{build}:{relative}"))?.in_tenant(tenant.cloned()))
    }
}

impl std::fmt::Debug for Tables {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.specs.iter().map(|spec| spec.name)).finish()
    }
}
