//! The implementation of `Shaped`.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use syn::{GenericArgument, Path, PathArguments, Type};

use super::{
    ast::ShapedType,
    form::{Enum, Field, Form, Part, Record, Variant},
};
use crate::tokens;

pub(super) fn code(shaped: &ShapedType<'_>, form: &Form) -> TokenStream {
    let ShapedType { root, ident, name, .. } = shaped;
    let shape = shape(root, form);
    let (method, is_optional) = match form {
        Form::Inside(part) => (quote!(transparent), is_optional(shaped, part)),
        _ => (quote!(named), None),
    };
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, reason = "a type may be of no other type")]
        impl #root::shape::Shaped for #ident {
            fn shape(types: &mut #root::shape::Types) -> #root::shape::Shape {
                types.#method::<Self>(#name, |types| #shape)
            }
            #is_optional
        }
    }
}

/// The shape of `form`, an expression in which `types` is a `&mut Types`.
pub(super) fn shape(root: &Path, form: &Form) -> TokenStream {
    match form {
        Form::Inside(inside) => part(root, inside),
        Form::UnitStruct => tuple(root, &[]),
        Form::Tuple(parts) => tuple(root, parts),
        Form::Record(record) => self::record(root, record),
        Form::Enum(one_of) => enumeration(root, one_of),
        Form::Union(forms) => {
            let forms = forms.iter().map(|form| shape(root, form));
            quote!(#root::shape::Shape::Union(::std::vec::Vec::from([#(#forms),*])))
        }
        Form::Nil => quote!(#root::shape::Shape::Unit),
    }
}

/// A missing value of a newtype is none only where serde says that nothing is around it.
fn is_optional(shaped: &ShapedType<'_>, part: &Part) -> Option<TokenStream> {
    let is_transparent = super::serde::Told::of(&shaped.input.attrs).has("transparent");
    let Part::Of(ty) = part else {
        return None;
    };
    let root = &shaped.root;
    let answer = match inside_option(ty) {
        Some(_) => quote!(true),
        None => quote!(#root::shape::Probe::<#ty>::new().is_optional()),
    };
    is_transparent.then(|| quote!(fn is_optional() -> bool { #answer }))
}

fn tuple(root: &Path, parts: &[Part]) -> TokenStream {
    let parts = parts.iter().map(|inside| part(root, inside));
    quote!(#root::shape::Shape::Tuple(::std::vec::Vec::from([#(#parts),*])))
}

fn record(root: &Path, record: &Record) -> TokenStream {
    let fields = record.fields.iter().map(|field| self::field(root, field));
    let flattened = record.flattened.iter().map(|inside| part(root, inside)).collect::<Vec<_>>();
    let flattened = (!flattened.is_empty()).then(|| quote!(.flattening([#(#flattened),*])));
    let exact = record.is_exact.then(|| quote!(.exact()));
    quote! {
        #root::shape::Shape::Record(#root::shape::Record::new([#(#fields),*]) #flattened #exact)
    }
}

fn field(root: &Path, field: &Field) -> TokenStream {
    let Field { name, aliases, .. } = field;
    let start = match &field.part {
        Part::Of(ty) if inside_option(ty).is_none() => {
            let text = tokens::text(ty.to_token_stream());
            quote!(#root::shape::Probe::<#ty>::new().field(#name, #text, types))
        }
        Part::Of(_) => {
            let shape = part(root, &field.part);
            quote!(#root::shape::Field::new(#name, #shape).or_default())
        }
        Part::Opaque(_) => {
            let shape = part(root, &field.part);
            quote!(#root::shape::Field::new(#name, #shape))
        }
    };
    let or_default = field.has_default.then(|| quote!(.or_default()));
    let left_out = field.may_be_left_out.then(|| quote!(.maybe_left_out()));
    quote!(#start #(.alias(#aliases))* #or_default #left_out)
}

fn enumeration(root: &Path, one_of: &Enum) -> TokenStream {
    let variants = one_of.variants.iter().map(|variant| self::variant(root, variant));
    let tagging = match (&one_of.tag, &one_of.content) {
        (Some(tag), Some(content)) => Some(quote!(.tagged_beside(#tag, #content))),
        (Some(tag), None) => Some(quote!(.tagged(#tag))),
        (None, _) => None,
    };
    quote! {
        #root::shape::Shape::Enum(#root::shape::Enum::new([#(#variants),*]) #tagging)
    }
}

fn variant(root: &Path, variant: &Variant) -> TokenStream {
    let Variant { name, aliases, .. } = variant;
    let start = match &variant.content {
        None => quote!(#root::shape::Variant::bare(#name)),
        Some(content) => {
            let content = shape(root, content);
            quote!(#root::shape::Variant::of(#name, #content))
        }
    };
    let or_unknown = variant.is_default.then(|| quote!(.or_unknown()));
    quote!(#start #(.alias(#aliases))* #or_unknown)
}

/// An option is one also of a type that says nothing of itself.
fn part(root: &Path, part: &Part) -> TokenStream {
    match part {
        Part::Opaque(text) => {
            let text = Literal::string(text);
            quote!(#root::shape::Shape::opaque(#text))
        }
        Part::Of(ty) => of_type(root, ty),
    }
}

fn of_type(root: &Path, ty: &Type) -> TokenStream {
    if let Some(inside) = inside_option(ty) {
        let inside = of_type(root, inside);
        return quote!(#root::shape::Shape::option(#inside));
    }
    let text = tokens::text(ty.to_token_stream());
    quote!(#root::shape::Probe::<#ty>::new().shape(#text, types))
}

/// `T` of a type that is written as `Option<T>`.
fn inside_option(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Group(group) => inside_option(&group.elem),
        Type::Paren(paren) => inside_option(&paren.elem),
        Type::Path(path) => {
            let last = path.path.segments.last().filter(|last| last.ident == "Option")?;
            match &last.arguments {
                PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
                    GenericArgument::Type(inside) => Some(inside),
                    _ => None,
                },
                _ => None,
            }
        }
        _ => None,
    }
}
