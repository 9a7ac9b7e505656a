use syn::parse_quote;

use super::expand;
use crate::snapshot::formatted;

#[test]
fn an_event_expands_to_its_table_and_four_methods() {
    let code = formatted(
        expand,
        &parse_quote! {
            #[event(prefix = "account", crate = annals_core)]
            enum AccountEvent {
                Opened { #[tag] owner: String },
                #[event(version = 2)]
                Withdrawn { cents: u64, #[tag(name = "atm")] machine: Option<u32> },
                #[event(name = "account.balance_corrected")]
                Corrected(#[tag(name = "reason")] Correction),
                Closed,
            }
        },
    );
    insta::assert_snapshot!(code);
}
