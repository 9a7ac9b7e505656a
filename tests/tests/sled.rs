//! The embedded store against the suite: as it is used, its tail in memory, and with everything written to the index
//! at once, so that each case meets sled as well.

pub(crate) mod harness;

mod tail_in_memory {
    type Harness = super::harness::SledHarness<60_000>;
    annals_conformance::suite!(Harness);
}

mod all_in_the_index {
    type Harness = super::harness::SledHarness<1>;
    annals_conformance::suite!(Harness);
}
