//! Variants of the protocol that are known to be wrong: the model must find out each.

use stateright::{Checker, Model};

use crate::model::LeaseModel;
use crate::properties::{
    LOST_STAYS_LOST, ONE_HOLDER, RECORD_STAYS, TAKEABLE, TOKENS_GROW, VALID_WRITES_PASS,
    WRITES_IN_ORDER,
};
use crate::rules::{Faults, Mistake, Rules};

/// Searches for a shortest way to break `property`, and prints it.
#[expect(clippy::print_stdout, reason = "the counterexample is what a reader asks for")]
fn refute(what: &str, rules: Rules, faults: Faults, property: &'static str) {
    // One thread searches strictly breadth first.
    let checker = LeaseModel::<2>::readable(rules, faults, property).checker().spawn_bfs().join();
    let path = checker.assert_any_discovery(property);
    let states = checker.unique_state_count();
    let steps = path.clone().into_actions().len();
    println!("{what}: not \"{property}\": {steps} steps, found after {states} states");
    let mut cause = "start".to_owned();
    for (state, action) in path.into_vec() {
        println!("  {cause:<34} {state}");
        cause = action.map_or_else(String::new, |action| format!("{action:?}"));
    }
    if rules.conditional() {
        assert_found_when_reduced(rules, faults, property);
    }
}

/// What the complete searches leave out hides no mistake.
fn assert_found_when_reduced(rules: Rules, faults: Faults, property: &'static str) {
    let complete = LeaseModel::<2>::complete(rules, faults);
    let model = LeaseModel { only: Some(property), ..complete };
    model.checker().spawn_bfs().join().assert_any_discovery(property);
}

#[test]
fn holder_counts_from_the_reply() {
    let rules = Rules::with(Mistake::HolderCountsFromReply);
    refute("holder counts from the reply", rules, Faults::DELAYS, ONE_HOLDER);
}

#[test]
fn waiter_counts_from_sending() {
    let rules = Rules::with(Mistake::WaiterCountsFromSending);
    refute("waiter counts from sending", rules, Faults::DELAYS, ONE_HOLDER);
}

#[test]
fn delete_then_create() {
    let rules = Rules::with(Mistake::DeleteThenCreate);
    refute("delete, then create", rules, Faults::DELAYS, ONE_HOLDER);
    refute("delete, then create", rules, Faults::DELAYS, RECORD_STAYS);
    refute("delete, then create", rules, Faults::DELAYS, TOKENS_GROW);
}

/// A lock that starts anew locks its holder out of what an earlier one wrote.
#[test]
fn deleted_record_forgets_the_token() {
    let rules = Rules { span: 2, ..Rules::with(Mistake::DeleteThenCreate) };
    let faults = Faults { stores: true, ..Faults::DELAYS };
    refute("token forgotten with the record", rules, faults, VALID_WRITES_PASS);
}

#[test]
fn generation_objects_with_overwriting_renewal() {
    let rules = Rules::with(Mistake::GenerationObjects);
    refute("generation objects", rules, Faults::DELAYS, ONE_HOLDER);
}

#[test]
fn hold_longer_than_lease() {
    let rules = Rules { hold: Rules::PROTOCOL.lease + 10, ..Rules::PROTOCOL };
    refute("hold longer than the lease", rules, Faults::DELAYS, ONE_HOLDER);
}

#[test]
fn hold_as_long_as_lease_under_drift() {
    let rules = Rules { hold: Rules::PROTOCOL.lease, ..Rules::PROTOCOL };
    refute("hold = lease under drift", rules, Faults { drift: true, ..Faults::DELAYS }, ONE_HOLDER);
}

#[test]
fn hold_just_over_its_share_under_drift() {
    let rules = Rules { hold: Rules::PROTOCOL.hold + 1, ..Rules::PROTOCOL };
    refute(
        "hold a little over 0.8 lease",
        rules,
        Faults { drift: true, ..Faults::DELAYS },
        ONE_HOLDER,
    );
}

#[test]
fn takeover_keeps_the_token() {
    refute("token kept at takeover", Rules::with(Mistake::TokenKept), Faults::DELAYS, TOKENS_GROW);
}

#[test]
fn handed_over_tokens_are_not_reserved() {
    let rules = Rules { span: 2, ..Rules::with(Mistake::SpanNotReserved) };
    refute("tokens of hand-overs not reserved", rules, Faults::DELAYS, TOKENS_GROW);
}

#[test]
fn late_renewal_revives_a_lost_guard() {
    let rules = Rules::with(Mistake::LateRenewalRevives);
    refute("late renewal revives", rules, Faults::DELAYS, LOST_STAYS_LOST);
}

#[test]
fn any_reply_is_taken_for_the_answer() {
    let rules = Rules::with(Mistake::RepliesNotMatched);
    let faults = Faults { late_replies: true, ..Faults::DELAYS };
    refute("replies not matched to requests", rules, faults, ONE_HOLDER);
}

#[test]
fn expired_lock_is_left_alone() {
    refute("no takeover", Rules::with(Mistake::NoTakeover), Faults::DELAYS, TAKEABLE);
}

/// Mutual exclusion by clocks does not order writes that are under way.
#[test]
fn store_does_not_look_at_tokens() {
    let rules = Rules::with(Mistake::WritesNotFenced);
    let faults = Faults { stores: true, ..Faults::DELAYS };
    refute("writes not fenced", rules, faults, WRITES_IN_ORDER);
}
