use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Op {
    Get,
    Put,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fails;

#[test]
fn patterns() {
    for (pattern, text) in
        [("*", ""), ("*", "a/b"), ("a/*", "a/b"), ("*/locks/*", "p/locks/x"), ("a", "a")]
    {
        assert!(like(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
    }
    for (pattern, text) in [("", "a"), ("a/*", "ab"), ("a", "ab"), ("*b", "abc"), ("a*c", "ab")] {
        assert!(!like(pattern.as_bytes(), text.as_bytes()), "{pattern} {text}");
    }
}

#[test]
fn skips_then_fires_as_often_as_said() {
    let faults = Faults::default();
    let armed = faults.arm(Fault::new(Fails).on(Op::Put).key("a*").skip(1).times(2));
    let hit = |op, key| faults.take(op, key, false) == [Fails];
    assert!(!hit(Op::Get, "a"));
    assert!(!hit(Op::Put, "b"));
    assert!(!hit(Op::Put, "a"), "the first passes");
    assert!(hit(Op::Put, "a"));
    assert!(hit(Op::Put, "ab"));
    assert!(!hit(Op::Put, "a"));
    assert_eq!(armed.fired(), 2);
}

#[test]
fn always_lasts_until_lifted() {
    let faults = Faults::default();
    let armed = faults.arm(Fault::new(Fails).conditional().always());
    assert!(faults.take(Op::Put, "a", false).is_empty());
    for _ in 0..5 {
        assert_eq!(faults.take(Op::Put, "a", true), [Fails]);
    }
    armed.lift();
    assert!(faults.take(Op::Put, "a", true).is_empty());
    assert_eq!(armed.fired(), 5);
}
