//! A state taken apart.

use darling::{Error, FromAttributes, Result};
use syn::{Data, DeriveInput, Ident, Path};

use super::attr::AggregateAttr;
use crate::{attr, root};

/// The state.
pub(super) struct State<'a> {
    pub(super) root: Path,
    pub(super) ident: &'a Ident,
    pub(super) data: &'a Data,
    pub(super) attr: AggregateAttr,
}

pub(super) fn parse(input: &DeriveInput) -> Result<State<'_>> {
    let mut errors = Error::accumulator();
    if let Data::Union(_) = input.data {
        let message = "an aggregate's state is a struct or an enum";
        errors.push(Error::custom(message).with_span(&input.ident));
    }
    errors.handle(attr::refuse_generics(input));
    errors.handle(attr::refuse_inside(input, "aggregate", "the state itself"));
    let attr = errors.handle(AggregateAttr::from_attributes(&input.attrs)).unwrap_or_default();
    let root = errors.handle(root::CORE.find(attr.root.as_ref()));
    errors.finish()?;
    let root = root.ok_or_else(|| Error::custom("annals is not found"))?;
    Ok(State { root, ident: &input.ident, data: &input.data, attr })
}
