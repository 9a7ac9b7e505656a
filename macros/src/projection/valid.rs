//! The mistakes that can be seen in a projection, and what is sure when there are none.

mod arguments;
mod batch;

use darling::{Error, Result};
use quote::ToTokens;
use syn::Type;

use super::ast::Projection;
use crate::{
    handler::{
        block,
        events::{self, Events},
        parameter::Argument,
    },
    name::PROJECTION,
    value::Version,
};

pub(super) use arguments::Given;
pub(super) use batch::{Batch, BatchArgument};

/// A projection in order.
pub(super) struct Valid<'a> {
    pub(super) name: &'a str,
    pub(super) version: Version,
    pub(super) tables: Vec<&'a Type>,
    /// Its enums, in the order in which they occur.
    pub(super) enums: Vec<Events<'a, Vec<Argument<'a, Given>>>>,
    /// What takes several events at once: one method, or several of which one is there at a time.
    pub(super) batches: Vec<Batch<'a>>,
}

pub(super) fn check(projection: &Projection) -> Result<Valid<'_>> {
    let mut errors = Error::accumulator();
    let name = errors.handle(projection_name(projection));
    if projection.handlers.is_empty() {
        let message = "the projection handles no event: give a method `#[on(Enum::Variant { .. })]`";
        errors.push(Error::custom(message).with_span(&projection.block.self_ty));
    }
    let tables = errors.handle(tables(projection)).unwrap_or_default();
    let mut enums = Vec::new();
    for handler in &projection.handlers {
        for arm in errors.handle(arguments::arms(handler)).into_iter().flatten() {
            errors.handle(events::handle(&mut enums, arm));
        }
    }
    errors.handle(events::ignore(&mut enums, &projection.attr.ignore));
    let batches = errors.handle(batch::check(&projection.batch_handlers)).unwrap_or_default();
    errors.finish()?;
    let name = name.ok_or_else(|| Error::custom("the projection lacks a name"))?;
    let version = projection.attr.version.unwrap_or(Version::FIRST);
    Ok(Valid { name, version, tables, enums, batches })
}

fn projection_name(projection: &Projection) -> Result<&str> {
    block::name(projection.attr.name.as_ref(), &PROJECTION, &projection.block, |example| {
        format!(
            "the projection has no name: `#[projection(name = \"{}\", ..)]` is what its rows and its checkpoint are kept under",
            example.as_deref().unwrap_or("balances")
        )
    })
}

fn tables(projection: &Projection) -> Result<Vec<&Type>> {
    let mut errors = Error::accumulator();
    let mut tables: Vec<&Type> = Vec::new();
    for table in projection.attr.tables.iter().flat_map(|rows| &rows.0) {
        if tables.contains(&table) {
            let message = format!("the table of `{}` is named already", table.to_token_stream());
            errors.push(Error::custom(message).with_span(table));
        } else {
            tables.push(table);
        }
    }
    errors.finish_with(tables)
}
