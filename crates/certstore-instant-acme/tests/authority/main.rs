//! What is said to a CA, and heard from it: Pebble.

#![cfg(unix)]

mod bound;
mod chains;
mod keys;
mod leftover;
#[path = "../../examples/obtain/node.rs"]
#[expect(dead_code, reason = "the example as a whole is another program's test")]
mod obtain;
mod orders;
mod recording;
mod renewal_info;
mod revoke;
mod world;
