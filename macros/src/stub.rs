//! What the stubs have in common that stand beside the messages, so that one mistake gives one error.

use syn::{DeriveInput, Generics, Path, WherePredicate};

use crate::{attr, root};

/// Where annals is, if the attribute called `name` says so or the manifest does.
pub(crate) fn root(input: &DeriveInput, name: &str) -> Option<Path> {
    root::find(attr::peek(&input.attrs, name, "crate").as_ref()).ok()
}

/// The generic parameters, which are a mistake themselves, with `bounds` taken for granted.
pub(crate) fn generics(input: &DeriveInput, bounds: WherePredicate) -> Generics {
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        generics.make_where_clause().predicates.push(bounds);
    }
    generics
}
