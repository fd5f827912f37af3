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
