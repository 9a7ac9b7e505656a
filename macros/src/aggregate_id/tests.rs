use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn an_id_around_a_text_expands_to_its_conversions() {
    let input = parse_quote! {
        #[aggregate_id(crate = annals_core)]
        struct AccountId(String);
    };
    insta::assert_snapshot!(formatted(expand, &input));
}
