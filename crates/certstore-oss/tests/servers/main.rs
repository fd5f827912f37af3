//! The backend against the loopback OSS server: requests counted, faults switched on, other people's objects.

#[path = "../support/site.rs"]
mod site;

mod certmagic;
mod erase;
mod faults;
mod foreign;
mod lock_log;
mod matrix;
mod outage;
mod probing;
mod raw;
mod rig;
mod round_trips;
mod takeover;
mod tls;
mod versioned;
mod wrong;
