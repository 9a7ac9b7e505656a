//! Says to the sources that they are built for many schedules.

fn main() {
    println!("cargo::rustc-cfg=schedules");
    println!("cargo::rerun-if-changed=build.rs");
}
