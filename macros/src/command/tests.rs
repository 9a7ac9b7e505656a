use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn a_command_expands_to_its_name_and_version() {
    let input = parse_quote! {
        #[command(version = 2, crate = annals_core)]
        struct CloseAccount { reason: String }
    };
    insta::assert_snapshot!(formatted(expand, &input));
}

#[test]
fn the_past_of_a_command_expands_to_a_function_for_each_form() {
    let input = parse_quote! {
        #[command(version = 3, from(1 = CloseV1, 2 = CloseV2), crate = annals_core)]
        struct CloseAccount { reason: String }
    };
    insta::assert_snapshot!(formatted(expand, &input));
}
