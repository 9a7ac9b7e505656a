//! The embedded store with one planted fault each; see build.rs.
#![allow(warnings, reason = "the sources are checked where they stand")]

macro_rules! planted {
    ($($name:ident)*) => {
        $(pub mod $name {
            include!(concat!(env!("OUT_DIR"), "/", stringify!($name), ".rs"));
        })*
    };
}

planted! {
    permits_are_kept
    backlog_is_not_told
    batches_listen_late
    stop_wakes_nobody
    head_before_contents
    pins_hold_nothing
    epochs_end_at_once
    tail_is_dropped_early
    moved_parts_are_missed
    old_looks_count
}
