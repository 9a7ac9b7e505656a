//! The pattern in `#[on(..)]`.

use darling::{Error, Result};
use quote::ToTokens;
use syn::{Ident, Pat, PatIdent, Path, spanned::Spanned};

/// `AccountEvent::Deposited { amount }`: which events a handler is given, and what of them.
pub(crate) struct Pattern {
    /// As written.
    pub(crate) written: Pat,
    /// The enum and the variant as written.
    pub(crate) path: Path,
    /// The enum.
    pub(crate) events: Path,
    pub(crate) variant: Ident,
    /// What it binds.
    pub(crate) bindings: Vec<Ident>,
}

const WHOLE: &str =
    "a pattern binds whole fields: `field`, `field: name` or `..`; what is in them is decided in the method";

const ONE: &str = "a pattern is of one variant: give the method an `#[on(..)]` for each";

impl Pattern {
    /// How an attribute with a pattern is written.
    pub(crate) const WRITTEN: &str = "`#[on(Enum::Variant { field, .. })]`";

    /// What `written`, with all its alternatives, says.
    pub(crate) fn of(written: Pat) -> Result<Self> {
        let (path, parts) = match &written {
            Pat::Path(pattern) if pattern.qself.is_none() => (pattern.path.clone(), Vec::new()),
            Pat::Ident(PatIdent { by_ref: None, mutability: None, subpat: None, ident, .. }) => {
                (ident.clone().into(), Vec::new())
            }
            Pat::Struct(pattern) if pattern.qself.is_none() => {
                (pattern.path.clone(), pattern.fields.iter().map(|field| &*field.pat).collect())
            }
            Pat::TupleStruct(pattern) if pattern.qself.is_none() => {
                (pattern.path.clone(), pattern.elems.iter().collect())
            }
            Pat::Or(_) => return Err(Error::custom(ONE).with_span(&written)),
            other => return Err(Error::custom(format!("{} is expected here", Self::WRITTEN)).with_span(other)),
        };
        let Some((events, variant)) = split(&path) else {
            let name = path.to_token_stream();
            return Err(Error::custom(format!("`{name}` lacks its enum: write `Enum::{name}`")).with_span(&path));
        };
        let mut errors = Error::accumulator();
        let bindings = parts.into_iter().filter_map(|part| errors.handle(binding(part)).flatten()).collect();
        errors.finish()?;
        Ok(Self { path, events, variant, bindings, written })
    }

    /// Enum and variant as the user writes them.
    pub(crate) fn name(&self) -> String {
        name(&self.path)
    }
}

/// A path as the user writes it.
pub(crate) fn name(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

/// The enum and the variant of `Enum::Variant`, whatever stands before.
pub(crate) fn split(path: &Path) -> Option<(Path, Ident)> {
    let mut events = path.clone();
    let variant = events.segments.pop()?;
    events.segments.pop_punct()?;
    Some((events, variant.ident))
}

/// What a part of a pattern binds, if anything.
fn binding(part: &Pat) -> Result<Option<Ident>> {
    match part {
        Pat::Ident(PatIdent { by_ref: None, mutability: None, subpat: None, ident, .. }) => Ok(Some(ident.clone())),
        Pat::Wild(_) | Pat::Rest(_) => Ok(None),
        other => Err(Error::custom(WHOLE).with_span(&other.span())),
    }
}
