//! `serve` as a fleet, against a real ACME CA.

#![cfg(unix)]

mod caddy;
mod fleet;
mod kills;
mod lasting;
mod node;
mod obstacles;
mod obtaining;
mod places;
mod round_robin;
mod serving;

/// Shows a figure, with `--nocapture`.
#[expect(clippy::print_stdout, reason = "figures are what somebody runs it for")]
fn measured(figure: &str) {
    println!("{figure}");
}
