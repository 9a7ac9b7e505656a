//! What the derives write; one program, so that it is linked once. What they say of mistakes is in `ui.rs`.

mod derives;
mod evolution;
mod shape;
