//! Prints docs/config.md.

#![expect(clippy::print_stdout, reason = "its output is its purpose")]

fn main() {
    print!("{}", certstore::config_reference());
}
