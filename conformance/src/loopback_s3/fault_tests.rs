use super::*;

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
    let armed =
        faults.arm(Fault::new(Effect::SlowDown).on(Op::PutObject).key("a*").skip(1).times(2));
    let hit = |op, key| faults.take(op, key, false) == [Effect::SlowDown];
    assert!(!hit(Op::GetObject, "a"));
    assert!(!hit(Op::PutObject, "b"));
    assert!(!hit(Op::PutObject, "a"), "the first passes");
    assert!(hit(Op::PutObject, "a"));
    assert!(hit(Op::PutObject, "ab"));
    assert!(!hit(Op::PutObject, "a"));
    assert_eq!(armed.fired(), 2);
}

#[test]
fn always_lasts_until_lifted() {
    let faults = Faults::default();
    let armed = faults.arm(Fault::new(Effect::Conflict).conditional().always());
    assert!(faults.take(Op::PutObject, "a", false).is_empty());
    for _ in 0..5 {
        assert_eq!(faults.take(Op::PutObject, "a", true), [Effect::Conflict]);
    }
    armed.lift();
    assert!(faults.take(Op::PutObject, "a", true).is_empty());
    assert_eq!(armed.fired(), 5);
}
