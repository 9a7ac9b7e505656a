use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn a_former_state_expands_to_its_shape() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[former_state(crate = annals_core)]
            struct AccountV1 {
                open: bool,
                balance: Money,
            }
        },
    );
    insta::assert_snapshot!(code);
}
