//! `serve` as a fleet, against a real ACME CA.

#![cfg(unix)]

/// Shows a figure, with `--nocapture`.
macro_rules! measured {
    ($($figure:tt)*) => {{
        #[expect(clippy::print_stdout, reason = "figures are what somebody runs it for")]
        {
            println!($($figure)*);
        }
    }};
}

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
