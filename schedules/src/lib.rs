//! Nothing of its own; the schedules are in `tests/schedules`.
