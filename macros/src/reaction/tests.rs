use quote::quote;
use syn::parse_quote;

use super::{attribute, expand};
use crate::snapshot::unparsed;

#[test]
fn a_reaction_expands_to_what_it_answers_and_to_what_it_sends() {
    let attribute = attribute(&quote! {
        name = "greets", sends(Letterbox: Greet; post::Office: prepared Forward), crate = annals_sagas,
        ignore(MemberEvent::Left, post::PostEvent::*)
    });
    let block = parse_quote! {
        impl<L: Language> Greets<L> {
            /// Somebody is new.
            #[on(MemberEvent::Joined { name })]
            fn joined(name: &String, step: &mut Step<'_, Self>) {
                step.send::<Letterbox, _>(step.key(), Greet { text: L::welcome(name) });
            }

            #[on(post::PostEvent::Returned { to, .. }, key = to)]
            #[on(post::PostEvent::Lost(to), key = cx.id::<Office>()?.of(to))]
            fn returned(step: &mut annals::Step<'_, Self>, cx: &EventContext<'_>) -> Result<(), Unknown> {
                Self::forward(cx, step)
            }

            #[cfg(feature = "refusals")]
            #[refused(Greet)]
            fn refused(refusal: &Refusal<'_>, greet: &Greet) {
                println!("{refusal:?}");
            }

            fn forward(cx: &EventContext<'_>, step: &mut Step<'_, Self>) -> Result<(), Unknown> {
                Ok(())
            }
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}

#[test]
fn a_reaction_that_says_no_more_than_it_has_to_expands_to_neither_keys_nor_refusals() {
    let attribute = attribute(&quote!(name = "greets", sends(Letterbox: Greet), crate = annals_sagas));
    let block = parse_quote! {
        impl Greets {
            #[on(MemberEvent::Joined { name })]
            fn joined(name: &String, step: &mut Step<'_, Self>) {
                step.send::<Letterbox, _>(step.key(), Greet { name: name.clone() });
            }
        }
    };
    insta::assert_snapshot!(unparsed(expand(&attribute, block)));
}
