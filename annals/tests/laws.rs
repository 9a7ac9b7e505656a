//! The laws through the facade, on derived types.

use annals::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(prefix = "door")]
enum DoorEvent {
    Opened { by: String },
    Closed,
}

#[derive(Debug, Clone, PartialEq, AggregateId)]
struct DoorId(u64);

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, Aggregate)]
#[aggregate(name = "door", id = DoorId, event = DoorEvent, snapshot(every = 100, version = 3))]
struct Door {
    is_open: bool,
    opened_by: Vec<String>,
}

impl Evolve<DoorEvent> for Door {
    fn evolve(&mut self, event: &DoorEvent) {
        match event {
            DoorEvent::Opened { by } => {
                self.is_open = true;
                self.opened_by.push(by.clone());
            }
            DoorEvent::Closed => self.is_open = false,
        }
    }
}

#[derive(Clone)]
struct Open(&'static str);

#[derive(Clone)]
struct Close;

impl Handle<Open> for Door {
    type Reply = usize;
    type Error = &'static str;
    fn handle(door: &mut Decision<Self>, Open(by): Open) -> Result<usize, &'static str> {
        if door.is_open {
            return Err("the door is open");
        }
        door.emit(DoorEvent::Opened { by: by.into() });
        Ok(door.opened_by.len())
    }
}

impl Handle<Close> for Door {
    type Reply = ();
    type Error = &'static str;
    fn handle(door: &mut Decision<Self>, _: Close) -> Result<(), &'static str> {
        if !door.is_open {
            return Err("the door is closed");
        }
        door.emit(DoorEvent::Closed);
        Ok(())
    }
}

fn opened(by: &str) -> DoorEvent {
    DoorEvent::Opened { by: by.into() }
}

annals::aggregate_laws!(
    Door,
    histories: [vec![opened("ada"), DoorEvent::Closed, opened("bob")], vec![opened("eve"), DoorEvent::Closed]],
    commands: [Open("ada"), Close],
    golden: "tests/golden/door.txt",
);
