use quote::quote;
use syn::parse_quote;

use super::{attribute, expand};
use crate::snapshot::unparsed;

#[test]
fn a_projection_expands_to_its_subscription_and_one_match_for_each_enum() {
    let attribute = attribute(&quote! {
        name = "balances", version = 3, tables(Balance, Statement), crate = annals_projections,
        ignore(AccountEvent::Opened, audit::AuditEvent::*)
    });
    let block = parse_quote! {
        impl<S: Scale> Balances<S> {
            /// Money came in.
            #[on(AccountEvent::Deposited { amount })]
            #[on(AccountEvent::InterestPaid { amount, .. })]
            async fn deposited(&self, amount: &Money, cx: &EventContext<'_>, rows: &mut Rows<'_>) -> Result<(), BoxError> {
                self.add(cx, *amount, rows).await
            }

            #[cfg(feature = "corrections")]
            #[on(AccountEvent::Corrected(correction))]
            fn corrected(&self, rows: &mut annals::Rows<'_>, correction: &Correction) -> Result<(), RowsError> {
                rows.put(Balance::of(correction))
            }

            #[on(domain::CustomerEvent::Renamed { name: to })]
            fn renamed(&self, to: &str) {
                println!("{to}");
            }

            async fn add(&self, cx: &EventContext<'_>, amount: Money, rows: &mut Rows<'_>) -> Result<(), BoxError> {
                Ok(())
            }
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}
