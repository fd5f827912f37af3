//! The backend against the loopback server: requests counted, faults switched on, other people's objects.

#[path = "../support/site.rs"]
mod site;

mod child;
mod credentials;
mod erase;
mod faults;
mod foreign;
mod generations;
mod lock_faults;
mod matrix;
mod outage;
mod probing;
mod race;
mod raw;
mod rig;
mod round_trips;
mod throttling;
mod wrong;
