//! The backend against the loopback S3 server: requests counted, faults switched on, other people's objects.

#[path = "../support/loopback.rs"]
mod loopback;
#[path = "../support/site.rs"]
mod site;

mod answers;
mod canned;
mod erase;
mod faults;
mod foreign;
mod lock_faults;
mod matrix;
mod outage;
mod patience;
mod probing;
mod rig;
mod round_trips;
mod secretbox;
mod stamps;
mod tls;
mod versioned;
mod wrong;
