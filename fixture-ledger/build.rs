//! Has the crate built again when a migration is added: `migrate!` tells cargo only of the files that it has read.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
