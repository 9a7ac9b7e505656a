//! Where the generated code finds annals.

use darling::{Error, Result};
use proc_macro_crate::FoundCrate;
use proc_macro2::Span;
use syn::{Ident, Path, parse_quote};

use crate::value::TypePath;

/// The facade and the core, either of which holds everything that generated code names.
const PACKAGES: [&str; 2] = ["annals", "annals-core"];

/// The path that was given by `crate = ..`, or the package under whatever name the caller's manifest gives it.
pub(crate) fn find(given: Option<&TypePath>) -> Result<Path> {
    if let Some(TypePath(path)) = given {
        return Ok(path.clone());
    }
    PACKAGES.into_iter().find_map(in_manifest).ok_or_else(|| {
        Error::custom(
            "neither `annals` nor `annals-core` is a dependency: add `annals`, or say where it is by `crate = ..`",
        )
    })
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
