//! What is to be run, before it runs.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use annals_core::InvalidText;
use thiserror::Error;

use crate::{
    Delivery, InvalidName, Order, Projection, ProjectionOptions, Subscription, Tables, builds::Code, name, run::Handler,
};

/// A projection that is to be run.
pub(crate) struct Registration {
    pub(crate) projection: TypeId,
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) subscription: Subscription,
    pub(crate) tables: Tables,
    pub(crate) options: ProjectionOptions,
    pub(crate) handler: Arc<dyn Handler>,
}

/// Why projections could not be started. Nothing runs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistrationError {
    /// A name is none. Rename it.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Two projections have one name, or one was registered twice. Rename one of them.
    #[error("projection {name} is registered twice")]
    Duplicate {
        /// The name.
        name: &'static str,
    },
    /// Two projections keep one table, or one keeps it twice. Give each its own.
    #[error("table {table} is kept by projection {first} and by projection {second}")]
    SharedTable {
        /// The table.
        table: &'static str,
        /// The projection that was registered first.
        first: &'static str,
        /// The other one.
        second: &'static str,
    },
    /// Two indexes of a table have one name. Rename one of them.
    #[error("table {table} has two indexes {index}")]
    DuplicateIndex {
        /// The table.
        table: &'static str,
        /// The index.
        index: &'static str,
    },
    /// The projection subscribes to no event. Name some.
    #[error("projection {name} subscribes to no event")]
    NoEvents {
        /// The projection.
        name: &'static str,
    },
    /// What it subscribes to has a stored name that is none. Correct it.
    #[error("projection {name} subscribes to an impossible event: {problem}")]
    Subscription {
        /// The projection.
        name: &'static str,
        /// What is wrong.
        problem: InvalidText,
    },
    /// With the order of the log there can be one lane only. Run it in one, or in the order of keys.
    #[error("projection {name} has {lanes} lanes, and the order of the log has one")]
    OrderOfLanes {
        /// The name.
        name: &'static str,
        /// How many lanes.
        lanes: usize,
    },
    /// Rows in memory are computed from the whole log at each start, which hands events over again. Keep them in the store, or do
    /// without [`AtMostOnce`](Delivery::AtMostOnce).
    #[error("projection {name} is to see each event at most once, but keeps its rows in memory")]
    AtMostOnceInMemory {
        /// The projection.
        name: &'static str,
    },
    /// With several lanes every table has to be keyed by the lane's key, or two lanes could write one row. Key it so and say
    /// `#[row(keyed_by_lane)]`, or run the projection in one lane.
    #[error("projection {name} has {lanes} lanes, but its table {table} is not keyed by the key of the lane")]
    NotKeyedByLane {
        /// The projection.
        name: &'static str,
        /// The table.
        table: &'static str,
        /// How many lanes.
        lanes: usize,
    },
}

impl Registration {
    pub(crate) fn of<P: Projection>(projection: P, options: ProjectionOptions) -> Self {
        Self {
            projection: TypeId::of::<P>(),
            name: P::NAME,
            version: P::VERSION,
            subscription: projection.subscription(),
            tables: projection.tables(),
            options,
            handler: Arc::new(projection),
        }
    }

    /// What its rows are computed by.
    pub(crate) fn code(&self) -> Code {
        let table = |spec: &crate::tables::TableSpec| {
            let indexes: Vec<_> = spec.indexes.iter().map(|index| format!("{}:{}", index.name, index.unique)).collect();
            format!("{}({}) {}", spec.name, indexes.join(","), spec.schema.as_deref().unwrap_or_default())
        };
        let tables: Vec<_> = self.tables.specs().iter().map(table).collect();
        Code { version: self.version, tables: tables.join("\n") }
    }

    fn check(&self) -> Result<(), RegistrationError> {
        let name = self.name;
        name::check("projection", name)?;
        if let Some(problem) = self.subscription.invalid() {
            return Err(RegistrationError::Subscription { name, problem: problem.clone() });
        }
        if self.subscription.is_empty() {
            return Err(RegistrationError::NoEvents { name });
        }
        let lanes = self.options.lanes.get();
        if lanes > 1 && self.options.order == Order::ByLog {
            return Err(RegistrationError::OrderOfLanes { name, lanes });
        }
        if self.options.in_memory && self.options.delivery == Delivery::AtMostOnce {
            return Err(RegistrationError::AtMostOnceInMemory { name });
        }
        for spec in self.tables.specs() {
            let (table, mut indexes) = (spec.name, BTreeSet::new());
            name::check("table", table)?;
            for index in spec.indexes {
                name::check("index", index.name)?;
                if !indexes.insert(index.name) {
                    return Err(RegistrationError::DuplicateIndex { table, index: index.name });
                }
            }
            if lanes > 1 && !spec.keyed_by_lane {
                return Err(RegistrationError::NotKeyedByLane { name, table, lanes });
            }
        }
        Ok(())
    }
}

/// Checks all of them, each and against each other.
pub(crate) fn check(all: &[Registration]) -> Result<(), RegistrationError> {
    let (mut names, mut tables) = (BTreeSet::new(), BTreeMap::new());
    for registration in all {
        registration.check()?;
        let name = registration.name;
        if !names.insert(name) {
            return Err(RegistrationError::Duplicate { name });
        }
        for spec in registration.tables.specs() {
            if let Some(first) = tables.insert(spec.name, name) {
                return Err(RegistrationError::SharedTable { table: spec.name, first, second: name });
            }
        }
    }
    Ok(())
}
