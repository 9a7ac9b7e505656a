//! The stores of this repository against the suite, and what shows that the suite bites; one program, so that it is
//! linked once. `hostile.rs` is another: it looks at the address space of its process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod dcb;
mod faulty;
mod fuzz;
mod memory;
mod planted;
mod sled;
