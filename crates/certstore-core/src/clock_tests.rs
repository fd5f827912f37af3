use super::*;

#[test]
fn seconds_are_those_of_the_wall_clock() {
    let wall = || SystemClock.wall().duration_since(UNIX_EPOCH).expect("it is later").as_secs();
    let before = wall();
    let seconds = SystemClock.unix_seconds();
    // What is read may be some milliseconds old, so of the second before.
    assert!((before.saturating_sub(1)..=wall()).contains(&seconds), "{seconds}, not {before}");
}
