//! A saga as a picture.

use std::fmt::Write;

use crate::Saga;

/// The saga `S` as a [Mermaid](https://mermaid.js.org) flowchart, made of its declaration: the events that it is given, its
/// timers, and the commands that it sends, each to its aggregate.
///
/// ```
/// # use annals_projections::{BoxError, EventContext, Incoming, Subscription};
/// # use annals_core::{Aggregate, Decision, Evolve, Handle};
/// # use annals_sagas::{Commands, Reception, Saga, SendsTo, Step};
#[doc = include_str!("doc/greeting.txt")]
/// # #[derive(Default, Clone, Serialize, Deserialize)]
/// # struct Welcome;
/// # impl Saga for Welcome {
/// #     const NAME: &'static str = "welcome";
/// #     const VERSION: u32 = 1;
/// #     const TIMERS: &'static [&'static str] = &["greet"];
/// #     fn subscription() -> Subscription { Subscription::new().variants::<MemberEvent>(&["Joined"]) }
/// #     fn commands() -> Commands { Commands::new().with::<Letterbox, Greet>() }
/// #     fn receive(_: Incoming<'_>, cx: &EventContext<'_>) -> Result<Option<Reception>, BoxError> { Ok(None) }
/// #     fn handle(&mut self, _: Incoming<'_>, _: &EventContext<'_>, _: &mut Step<'_, Self>) -> Result<(), BoxError> { Ok(()) }
/// # }
/// assert_eq!(annals_sagas::picture::<Welcome>(), "\
/// flowchart LR
///     saga{{welcome}}
///     event0[/member.joined/] --> saga
///     timer0([greet]) -. due .-> saga
///     saga -- greet --> letterbox[(letterbox)]
/// ");
/// ```
#[must_use]
pub fn picture<S: Saga>() -> String {
    let mut picture = format!("flowchart LR\n    saga{{{{{}}}}}\n", S::NAME);
    let query = S::subscription().query();
    let types = query.items().iter().flat_map(|item| &item.types);
    for (number, event) in types.enumerate() {
        // Writing to a text does not fail.
        let _ = writeln!(picture, "    event{number}[/{event}/] --> saga");
    }
    for (number, timer) in S::TIMERS.iter().enumerate() {
        let _ = writeln!(picture, "    timer{number}([{timer}]) -. due .-> saga");
    }
    for (aggregate, command) in S::commands().names() {
        let _ = writeln!(picture, "    saga -- {command} --> {aggregate}[({aggregate})]");
    }
    picture
}
