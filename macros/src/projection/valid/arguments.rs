//! What a handler's parameters are given.

use darling::{Error, Result};

use crate::{
    handler::{
        events::Arm,
        parameter::{Argument, Offer, check_receiver, of_pattern},
    },
    projection::ast::Handler,
};

/// What a parameter is given beside the event's fields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::projection) enum Given {
    /// What is known of the event beside its content.
    Context,
    /// The rows.
    Rows,
}

pub(super) const RECEIVER: &str = "a handler takes `&self`: what it is to remember belongs into rows";

pub(super) const ROWS_ONCE: &str = "the rows are given to one parameter alone";

/// The arms of `handler`, one for each of its patterns.
pub(super) fn arms(handler: &Handler) -> Result<Vec<Arm<'_, Vec<Argument<'_, Given>>>>> {
    let Handler { method, patterns } = handler;
    let offers = [Offer::of("EventContext", Given::Context), Offer::once("Rows", Given::Rows, ROWS_ONCE)];
    let types = "`&EventContext<'_>` or `&mut Rows<'_>`";
    let mut errors = Error::accumulator();
    errors.handle(check_receiver(&method.signature, true, RECEIVER));
    let arms = patterns.iter().filter_map(|pattern| {
        let given = errors.handle(of_pattern(&method.signature, pattern, &offers, types, |_| false))?;
        Some(Arm { method, pattern, given })
    });
    let arms = arms.collect();
    errors.finish_with(arms)
}
