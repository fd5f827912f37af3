//! The backend against the loopback server: requests counted, faults switched on, time moved on, other people's secrets.

#[path = "../support/loopback.rs"]
mod loopback;
#[path = "../support/site.rs"]
mod site;

mod deletes;
mod erase;
mod faults;
mod foreign;
mod limits;
mod locks;
mod matrix;
mod names;
mod outage;
mod raw;
mod replay;
mod rig;
mod round_trips;
mod stale;
mod throttling;
mod tls;
mod versions;
mod wrong;
