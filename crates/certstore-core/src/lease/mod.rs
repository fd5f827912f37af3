//! Leases over a compare-and-swap register: the one lock protocol, for backends to build on.
//!
//! A backend that can read a small record with its version and write it on the condition that the version has not
//! changed implements [`Register`]; [`LeaseLocker`] makes a [`Locker`](crate::Locker) of it. Renewal and takeover
//! contend on the same register, so at most one of them succeeds.
//!
//! * The holder counts its lease from *before* it sent the write, on a clock that runs while the machine sleeps, and
//!   gives the lock up after 0.8 of it.
//! * A waiter counts from *after* it received the record, on its own clock, and takes over only when the version has
//!   not changed for a whole lease, by a write on that very version. No wall clock is compared.
//! * Every write carries a nonce. When a reply is lost, the record is read back: our nonce in it means that the write
//!   took effect.
//! * A record is set free, never deleted while in use, so tokens keep growing.
//!
//! A server that has a clock and scripts or statements of its own can decide by itself who holds the lock
//! ([`Register::claim`]): one round trip, no watching. The holder's side stays the same.
//!
//! Clock rates may differ by a factor of 1.25 between holder and waiter.

mod acquire;
mod active;
mod config;
mod engine;
mod queue;
mod record;
mod register;

pub use config::LeaseConfig;
pub use engine::LeaseLocker;
pub use queue::{Queue, Turn};
pub use record::{Holder, Record, State, this_process};
pub use register::{Claim, Look, Register, Stored, Swap, Wake};

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod record_tests;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod test_world;
