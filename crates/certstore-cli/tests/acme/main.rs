//! `serve` as a fleet, against a real ACME CA.

#![cfg(unix)]

mod fleet;
mod kills;
mod node;
mod obtaining;
mod places;
mod round_robin;
mod serving;
