use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn a_row_expands_to_its_keys_and_a_constant_for_each_index() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[row(table = "balances", keyed_by_lane, index(name = "owner-amount", fields(owner, amount)), crate = annals_projections)]
            pub(crate) struct Balance {
                #[row(key)]
                account: AccountId,
                #[row(unique)]
                iban: Iban,
                owner: CustomerId,
                #[row(index, unique = "exact")]
                amount: Money,
            }
        },
    );
    insta::assert_snapshot!(code);
}

#[test]
fn a_row_of_several_keys_and_no_index_expands_to_a_tuple() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[row(table = "statements", crate = annals_projections)]
            struct Statement(#[row(key)] AccountId, #[row(key)] Month, Money);
        },
    );
    insta::assert_snapshot!(code);
}
