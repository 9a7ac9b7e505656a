//! Writes the sources of the store once for each planted fault, as one file: what is planted replaces what is there.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// A fault: its name, the file, what is there, and what is planted.
type Fault = (&'static str, &'static str, &'static str, &'static str);

const FAULTS: [Fault; 10] = [
    // The queue fills up and never empties.
    ("permits_are_kept", "committer.rs", "self.requests.release(std::mem::take(&mut self.permits));", ""),
    // The committer looks for a shorter tail without listening for it first.
    (
        "backlog_is_not_told",
        "indexer.rs",
        "        lock(&self.state).ended |= ended;\n        self.changed.notify_all();\n",
        "        lock(&self.state).ended |= ended;\n",
    ),
    // A batch looks first, and listens then.
    (
        "batches_listen_late",
        "apply.rs",
        "        let shortened = signal.shortened();\n        if apply_if_room(shared, signal, &mut batch)? {\n            return Ok(());\n        }\n",
        "        if apply_if_room(shared, signal, &mut batch)? {\n            return Ok(());\n        }\n        let shortened = signal.shortened();\n",
    ),
    // The indexer is asked to stop, and sleeps on.
    (
        "stop_wakes_nobody",
        "indexer.rs",
        "        lock(&self.state).stop = true;\n        self.changed.notify_all();\n",
        "        lock(&self.state).stop = true;\n",
    ),
    // The head names what cannot be read yet.
    (
        "head_before_contents",
        "committer.rs",
        "        let mut items = group.items.iter();\n        let mut places = Vec::new();\n",
        "        self.store.head.send_replace(annals_core::Head { commit: standing.commit, position: standing.position });\n        let mut items = group.items.iter();\n        let mut places = Vec::new();\n",
    ),
    // What a reader took from the tail and what it reads from sled are of two moments.
    ("pins_hold_nothing", "indexer.rs", "    shared.pins.wait_for(part.tick);\n", ""),
    // A part that goes over to sled while a page is read is seen neither there nor in memory.
    (
        "moved_parts_are_missed",
        "read/rows/lookup.rs",
        "        if moved_now == moved {\n",
        "        if moved_now >= moved {\n",
    ),
    // A key goes over to the index between the look of its sender and that of the committer.
    (
        "old_looks_count",
        "shared.rs",
        "None if absent_at == Some(moved) => None,",
        "None if absent_at.is_some() => None,",
    ),
    // An epoch ends while a batch that it let in is being applied.
    (
        "epochs_end_at_once",
        "committer.rs",
        "        let _running: Vec<_> = fences.iter().map(|fence| lock(fence)).collect();\n",
        "",
    ),
    // The part that moves to sled is gone from memory before it is there.
    ("tail_is_dropped_early", "indexer.rs", "    overlay.frozen = Some(Arc::clone(&part));\n", ""),
];

fn main() {
    println!("cargo::rustc-cfg=schedules");
    println!("cargo::rustc-check-cfg=cfg(schedules)");
    println!("cargo::rerun-if-changed=build.rs");
    let sources = Path::new("../../store-sled/src");
    println!("cargo::rerun-if-changed={}", sources.display());
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    for fault in &FAULTS {
        let whole = flat(sources, Path::new("lib.rs"), fault);
        // The copy is a module of a crate.
        let whole = whole.replace("crate::", &format!("crate::{}::", fault.0));
        fs::write(out.join(fault.0).with_extension("rs"), whole).expect("the build folder can be written");
    }
}

/// A source file with the modules that it names in it, and without its inner documentation.
fn flat(sources: &Path, file: &Path, fault: &Fault) -> String {
    let mut text = fs::read_to_string(sources.join(file)).expect("a source file can be read");
    let (name, place, there, planted) = fault;
    if file == Path::new(place) {
        assert!(text.matches(there).count() == 1, "{name}: its place in {place} has changed; plant it again");
        text = text.replace(there, planted);
    }
    let folder = if file == Path::new("lib.rs") { PathBuf::new() } else { file.with_extension("") };
    let mut flattened = String::new();
    for line in text.lines().filter(|line| !line.starts_with("//!")) {
        match line.strip_suffix(';').and_then(|line| line.split_once("mod ")) {
            Some((before, module)) if before.is_empty() || before.starts_with("pub") => {
                let module_file = folder.join(module).with_extension("rs");
                if sources.join(&module_file).exists() {
                    flattened += &format!("{before}mod {module} {{\n{}}}\n", flat(sources, &module_file, fault));
                } else {
                    flattened += &format!("{line}\n");
                }
            }
            _ => flattened += &format!("{line}\n"),
        }
    }
    flattened
}
