use annals_core::{Decision, Evolve, Handle};
use annals_macros::{Aggregate, Command, Event, reaction};
use annals_sagas::{Reaction, Step};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "member")]
enum MemberEvent {
    Joined { name: String },
    Moved { household: Option<String> },
    Left,
}

#[derive(Clone, Serialize, Deserialize, Event)]
#[event(prefix = "letterbox")]
enum LetterEvent {
    Received,
}

#[derive(Default, Clone, Aggregate)]
#[aggregate(name = "letterbox", event = LetterEvent)]
struct Letterbox;

impl Evolve<LetterEvent> for Letterbox {
    fn evolve(&mut self, _: &LetterEvent) {}
}

#[derive(Clone, Serialize, Deserialize, Command)]
struct Greet;

impl Handle<Greet> for Letterbox {
    type Reply = ();
    type Error = String;
    fn handle(_: &mut Decision<Self>, _: Greet) -> Result<(), String> {
        Ok(())
    }
}

struct Greets;

#[reaction(name = "greets", sends(Letterbox: Greet), ignore(MemberEvent::*))]
impl Greets {
    #[on(MemberEvent::Joined { .. })]
    fn joined(&self, step: &mut Step<'_, Self>) {
        step.send::<Letterbox, _>("l1", Greet);
    }
}

fn runs<R: Reaction>() {}

fn main() {
    runs::<Greets>();
}
