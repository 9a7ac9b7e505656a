//! A state's own fields as written: the text by which older snapshots are recognised.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Attribute, Data, Fields};

use crate::tokens;

/// `open: bool, balance: Money`, or the variants of an enum. What serde is told is part of it, because it changes what a
/// snapshot holds; visibility and other attributes are not.
pub(crate) fn text(data: &Data) -> String {
    let tokens = match data {
        Data::Struct(data) => fields(&data.fields),
        Data::Union(data) => fields(&Fields::Named(data.fields.clone())),
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| {
                let (serde, ident, content) = (serde(&variant.attrs), &variant.ident, fields(&variant.fields));
                match variant.fields {
                    Fields::Named(_) => quote!(#serde #ident { #content }),
                    Fields::Unnamed(_) => quote!(#serde #ident(#content)),
                    Fields::Unit => quote!(#serde #ident),
                }
            });
            quote!(#(#variants),*)
        }
    };
    tokens::text(tokens)
}

fn fields(fields: &Fields) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let (serde, ty) = (serde(&field.attrs), &field.ty);
        match &field.ident {
            Some(ident) => quote!(#serde #ident: #ty),
            None => quote!(#serde #ty),
        }
    });
    quote!(#(#fields),*)
}

fn serde(attrs: &[Attribute]) -> TokenStream {
    attrs.iter().filter(|attr| attr.path().is_ident("serde")).map(ToTokens::to_token_stream).collect()
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::*;

    fn shape(input: &DeriveInput) -> String {
        text(&input.data)
    }

    #[test]
    fn the_shape_is_the_fields_without_visibility_and_docs() {
        let plain = shape(&parse_quote!(
            struct Account {
                open: bool,
                balance: Money,
            }
        ));
        assert_eq!(plain, "open: bool, balance: Money");
        let dressed = parse_quote!(
            /// An account.
            pub struct Account {
                /// Whether it is open.
                pub(crate) open: bool,
                balance: Money,
            }
        );
        assert_eq!(shape(&dressed), plain);
    }

    #[test]
    fn types_are_written_one_way() {
        let input = parse_quote!(
            struct S {
                a: Option<Vec<(u8, [u8; 4])>>,
                b: std::rc::Rc<dyn Fn(&'static str) -> u8>,
            }
        );
        assert_eq!(shape(&input), "a: Option<Vec<(u8, [u8;4])>>, b: std::rc::Rc<dyn Fn(&'static str)->u8>");
    }

    #[test]
    fn serde_attributes_are_part_of_the_shape() {
        let input = parse_quote!(
            struct S {
                #[serde(skip)]
                #[allow(unused)]
                a: u8,
                b: u8,
            }
        );
        assert_eq!(shape(&input), "#[serde(skip)] a: u8, b: u8");
    }

    #[test]
    fn tuples_and_enums_have_shapes_too() {
        assert_eq!(
            shape(&parse_quote!(
                struct S(u8, pub u16);
            )),
            "u8, u16"
        );
        assert_eq!(
            shape(&parse_quote!(
                struct S;
            )),
            ""
        );
        let input = parse_quote!(
            enum S {
                #[default]
                New,
                Open {
                    balance: Money,
                },
                Closed(Time),
            }
        );
        assert_eq!(shape(&input), "New, Open { balance: Money }, Closed(Time)");
    }
}
