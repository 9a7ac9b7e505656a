//! The examples of <https://dcb.events/examples>, on every store: each a module that begins as an application would write
//! its domain, and ends with what must hold of it (acceptance cases `G.38` to `G.79`).
//!
//! What differs from what is published:
//! * `G.30`: a request that is sent again is recognised by its idempotency key, not by the ids of its events; see [`orders`].
//! * `G.32`: a decision that emits nothing is allowed, and writes nothing; see [`orders`].
//! * `G.50`, `G.51`: user names are always retained for some days before they are free, so that these are the same as
//!   `G.54` and `G.56`; see [`usernames`].

mod application;
mod courses;
mod invoices;
mod opt_in;
mod orders;
mod prices;
mod usernames;

use annals_conformance::{MemoryHarness, run};

use crate::sled::harness::SledHarness;

/// Makes a test of every case, on the store behind `$harness`.
macro_rules! cases {
    ($harness:ty: $($example:ident { $($case:ident,)+ })+) => {
        $(mod $example {
            use super::*;
            $(
                #[test]
                fn $case() {
                    run(crate::dcb::$example::$case::<$harness>());
                }
            )+
        })+
    };
}

macro_rules! on_every_store {
    ($($store:ident: $harness:ty,)+) => {
        $(mod $store {
            use super::*;
            cases! { $harness:
                courses {
                    a_course_is_defined_once_and_then_changed,
                    a_full_course_takes_nobody,
                    a_student_takes_five_courses_each_once,
                    many_at_once_take_exactly_what_there_is,
                }
                usernames {
                    a_username_has_one_holder,
                    a_released_username_is_retained_and_then_free,
                    a_changed_username_is_retained_and_then_free,
                    one_of_many_gets_the_username,
                }
                invoices {
                    numbers_begin_at_1_and_have_no_gaps,
                    many_at_once_get_dense_numbers,
                }
                opt_in {
                    a_sign_up_is_confirmed_once_by_whoever_has_its_token,
                    a_token_expires,
                }
                prices {
                    what_was_shown_is_what_is_paid_while_it_is_valid,
                    one_bad_price_refuses_the_cart,
                }
                orders {
                    a_token_orders_once,
                    a_key_gives_the_first_answer,
                    a_decision_that_emits_nothing_writes_nothing,
                }
            }
        })+
    };
}

on_every_store! {
    memory: MemoryHarness,
    sled_tail_in_memory: SledHarness<60_000>,
    sled_all_in_the_index: SledHarness<1>,
}
