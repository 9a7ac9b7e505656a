use quote::{format_ident, quote};
use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn a_key_of_several_fields_expands_to_one_after_the_other() {
    let input = parse_quote! {
        #[row_key(crate = annals_projections)]
        struct Place<T> { branch: BranchId, shelf: T }
    };
    insta::assert_snapshot!(formatted(expand, &input));
}

#[test]
fn a_variant_expands_to_its_number() {
    let input = parse_quote! {
        #[row_key(crate = annals_projections)]
        enum Level { Low, Middle, High }
    };
    insta::assert_snapshot!(formatted(expand, &input));
}

#[test]
fn more_variants_than_a_byte_tells_apart_take_two() {
    let code = |count: usize| {
        let variants = (0..count).map(|number| format_ident!("V{number}"));
        let input = syn::parse2(quote! {
            #[row_key(crate = annals_projections)]
            enum Many { #(#variants),* }
        });
        formatted(expand, &input.unwrap())
    };
    assert!(code(256).contains("Self::V255 => [255]"));
    let wide = code(257);
    assert!(wide.contains("Self::V0 => [0, 0]") && wide.contains("Self::V256 => [1, 0]"), "{wide}");
}
