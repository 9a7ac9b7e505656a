//! The reference store against the suite.
annals_conformance::suite!(annals_conformance::MemoryHarness);
