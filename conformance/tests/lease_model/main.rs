//! The lease protocol of the lock engine, searched state by state with `stateright`.
//!
//! What is modelled: one lock, two clients (three in a smaller space), and a register that compares and swaps. The
//! record says free or held, with a fencing token and the nonce of the write, which is also its version. Each client
//! reads, acquires, renews, takes over, releases, hands over within its process, and locks again with the version of
//! its own release; it may stop running at any point and go on later.
//!
//! * Requests and replies take any time, get lost, or arrive when nobody waits for them any more; a write may be applied
//!   from two copies, in any order with the reply; a good reply may arrive again. After a conflict or without a reply,
//!   the client reads back and recognises its own nonce.
//! * Each client has a clock. In every tick each clock is fast or slow, 5 to 4, so over any time two clocks differ by at
//!   most the factor 1.25. Lease, hold and renewal have the engine's proportions: 30, 24 and 10 units.
//! * Holders send writes with their tokens to a store, which arrive at any later time.
//!
//! There is no limit on time or on the number of acquisitions: states that differ only in how nonces and tokens are
//! numbered are one (`canonical.rs`), and so the space is finite. Its limits: one outstanding request a client; one or two
//! late writes at once; at most three writes of a client in doubt; time in thirds or halves of a lease.
//!
//! What is not modelled: a register that is not linearizable or loses writes; clocks that differ by more; the time
//! part of a token, which only makes it larger; a lock that is broken by an operator; the queue, wake-ups and back-off
//! of the engine, which change when a step is taken, not what it does. The engine's code itself runs in a simulation
//! under faults; this is the protocol it follows.
//!
//! `broken.rs` has the protocol with one mistake at a time: each must have a counterexample, or this checks nothing. See
//! the counts and the counterexamples with `cargo test -p certstore-conformance --test lease_model -- --nocapture`.

mod broken;
mod canonical;
mod client;
mod model;
mod properties;
mod reduce;
mod rules;
mod show;
mod state;
mod store;

use std::time::Instant;

use stateright::{Checker, Model};

use crate::model::LeaseModel;
use crate::rules::{Faults, Rules, Tick};

/// Searches all states: every "always" holds in each, every "sometimes" in one.
#[expect(clippy::print_stdout, reason = "the counts are what a reader asks for")]
fn check_all<const N: usize>(what: &str, model: LeaseModel<N>) {
    let start = Instant::now();
    let checker = model.checker().threads(2).spawn_bfs().join();
    let (states, steps) = (checker.unique_state_count(), checker.state_count());
    println!("{what}: {states} states, {steps} steps, {:.1} s", start.elapsed().as_secs_f32());
    checker.assert_properties();
    assert!(checker.is_done(), "{what}: the search ended early");
}

#[test]
fn every_fault_of_the_network_and_the_clients_under_drift() {
    let faults =
        Faults { drift: true, ghosts: 2, repeated_writes: true, crashes: true, ..Faults::DELAYS };
    let faults = Faults { tick: Tick::COARSE, ..faults };
    check_all("every fault", LeaseModel::<2>::complete(Rules::PROTOCOL, faults));
}

#[test]
fn drift_in_finer_steps() {
    let faults = Faults { drift: true, ghosts: 1, ..Faults::DELAYS };
    check_all("drift in finer steps", LeaseModel::<2>::complete(Rules::PROTOCOL, faults));
}

#[test]
fn late_and_repeated_replies() {
    let faults = Faults { late_replies: true, tick: Tick::COARSE, ..Faults::DELAYS };
    check_all("late replies", LeaseModel::<2>::complete(Rules::PROTOCOL, faults));
}

#[test]
fn fenced_writes() {
    let faults = Faults { stores: true, losses: false, tick: Tick::COARSE, ..Faults::DELAYS };
    check_all("fenced writes", LeaseModel::<2>::complete(Rules::PROTOCOL, faults));
}

#[test]
fn local_hand_over() {
    let faults = Faults { drift: true, ghosts: 1, tick: Tick::COARSE, ..Faults::DELAYS };
    check_all(
        "local hand-over",
        LeaseModel::<2>::complete(Rules { span: 2, ..Rules::PROTOCOL }, faults),
    );
}

#[test]
fn three_clients() {
    let faults = Faults { losses: false, tick: Tick::COARSE, ..Faults::DELAYS };
    check_all("three clients", LeaseModel::<3>::complete(Rules::PROTOCOL, faults));
}

/// The space with all that `reduce.rs` drops.
#[test]
fn nothing_dropped() {
    let faults = Faults { losses: false, ghosts: 1, tick: Tick::COARSE, ..Faults::DELAYS };
    let model = LeaseModel::<2>::complete(Rules::PROTOCOL, faults);
    check_all("nothing dropped", LeaseModel { reduced: false, ..model });
}

/// What the distance between the two is for: with clocks of one rate it could be nothing.
#[test]
fn hold_may_equal_lease_without_drift() {
    let rules = Rules { hold: Rules::PROTOCOL.lease, ..Rules::PROTOCOL };
    check_all("no drift, hold = lease", LeaseModel::<2>::complete(rules, Faults::DELAYS));
}
