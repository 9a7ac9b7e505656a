//! Where the generated code finds annals.

use darling::{Error, Result};
use proc_macro_crate::FoundCrate;
use proc_macro2::Span;
use syn::{Ident, Path, parse_quote};

use crate::value::TypePath;

/// A part of annals: the packages either of which holds everything that generated code names.
pub(crate) struct Part {
    facade: &'static str,
    own: &'static str,
}

/// Events, aggregates, commands, shapes.
pub(crate) const CORE: Part = Part { facade: "annals", own: "annals-core" };

/// Projections and their rows.
pub(crate) const PROJECTIONS: Part = Part { own: "annals-projections", ..CORE };

/// Sagas.
pub(crate) const SAGAS: Part = Part { own: "annals-sagas", ..CORE };

impl Part {
    /// The path that was given by `crate = ..`, or the package under whatever name the caller's manifest gives it.
    pub(crate) fn find(&self, given: Option<&TypePath>) -> Result<Path> {
        if let Some(TypePath(path)) = given {
            return Ok(path.clone());
        }
        [self.facade, self.own].into_iter().find_map(in_manifest).ok_or_else(|| {
            Error::custom(format!(
                "neither `{facade}` nor `{}` is a dependency: add `{facade}`, or say where it is by `crate = ..`",
                self.own,
                facade = self.facade
            ))
        })
    }
}

/// Code of the package itself is a doc test, an integration test or an example, and names the package like any other.
fn in_manifest(package: &str) -> Option<Path> {
    let name = match proc_macro_crate::crate_name(package).ok()? {
        FoundCrate::Itself => package.replace('-', "_"),
        FoundCrate::Name(name) => name,
    };
    let name = Ident::new(&name, Span::call_site());
    Some(parse_quote!(::#name))
}
