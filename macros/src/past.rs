//! The past of what is stored as a whole, a state or a command: each form is a type of its own, which has a step to the next,
//! the last to the type of today.

use darling::{Error, FromMeta, Result};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{Generics, Ident, Meta, Path, Token, punctuated::Punctuated, spanned::Spanned};

use crate::{
    attr::listed,
    form::{Form, Step, in_order, without_a_gap},
    value::Version,
};

/// `from(1 = AccountV1, 2 = AccountV2)`.
pub(crate) struct From(Vec<Form>);

/// A form of the past, read as a type.
pub(crate) struct PastForm {
    pub(crate) version: Version,
    pub(crate) path: Path,
}

/// How the forms of something are read.
pub(crate) struct Past {
    /// The functions that do it: one for each form, which takes one step and calls the next, so that a step that is missing is
    /// one error.
    pub(crate) functions: TokenStream,
    /// For each form an expression: a function from its bytes to what they are today.
    pub(crate) decode: Vec<TokenStream>,
}

impl FromMeta for From {
    fn from_meta(item: &Meta) -> Result<Self> {
        let parser = Punctuated::<Form, Token![,]>::parse_terminated;
        Ok(Self(listed(item, parser, "`from(1 = OlderType, ..)`")?.into_iter().collect()))
    }
}

impl From {
    /// The forms in ascending versions without a gap, up to the one before `current`; `what` they are forms of is for messages.
    pub(crate) fn forms(&self, current: Version, what: &str) -> Result<Vec<PastForm>> {
        let forms = without_a_gap(in_order(&self.0, current)?, false)?;
        if let Some(last) = forms.last()
            && last.version.0.checked_add(1) != Some(current.0)
        {
            let message = format!("version {} has no step to the current version {}", last.version.0, current.0);
            return Err(Error::custom(message).with_span(&last.span));
        }
        let typed = |form: Form| match form.step {
            Step::Typed(path) => Ok(PastForm { version: form.version, path }),
            Step::Value(_) => {
                let message = format!("a {what} of the past is read as a type, not as a tree");
                Err(Error::custom(message).with_span(&form.span))
            }
        };
        forms.into_iter().map(typed).collect()
    }
}

impl Past {
    /// How `forms` are read as the type `today`.
    pub(crate) fn of(root: &Path, forms: &[PastForm], today: &impl ToTokens, generics: &Generics) -> Self {
        let (parameters, _, bounds) = generics.split_for_impl();
        let functions = forms.iter().enumerate().map(|(index, form)| {
            let (name, old) = (function(form), &form.path);
            let step = |new: TokenStream| {
                let upcast = quote_spanned!(old.span()=> <#old as #root::Upcast<#new>>::upcast);
                quote!(#upcast(old))
            };
            let read = match forms.get(index + 1) {
                Some(next) => {
                    let (function, new) = (function(next), &next.path);
                    let step = step(quote!(#new));
                    quote!(#function(#step?))
                }
                None => step(quote!(#today)),
            };
            quote! {
                fn #name #parameters(old: #old) -> ::core::result::Result<#today, #root::UpcastError> #bounds {
                    #read
                }
            }
        });
        let decode = forms.iter().map(|form| {
            let (function, old) = (function(form), &form.path);
            let decode = quote_spanned!(old.span()=> #root::codec::decode::<#old>);
            quote!(|bytes| #function(#decode(bytes)?))
        });
        Self { functions: functions.collect(), decode: decode.collect() }
    }

    /// The constant `PAST` of an implementation of which each form is a `row`, a struct of a version and how it is read;
    /// nothing where there is no past.
    pub(crate) fn constant(
        root: &Path,
        row: &str,
        forms: &[PastForm],
        today: &impl ToTokens,
        generics: &Generics,
    ) -> Option<TokenStream> {
        let row = format_ident!("{row}");
        let Self { functions, decode } = Self::of(root, forms, today, generics);
        let versions = forms.iter().map(|form| form.version);
        (!forms.is_empty()).then(|| {
            quote! {
                const PAST: &'static [#root::#row<Self>] = {
                    #functions
                    &[#(#root::#row { version: #versions, decode: #decode }),*]
                };
            }
        })
    }
}

fn function(form: &PastForm) -> Ident {
    format_ident!("from_{}", form.version.0.get())
}
