use super::*;

/// Every key of up to six characters out of these is judged alike by both.
#[test]
fn the_quick_look_agrees_with_the_rules() {
    let parts = ["", "a", ".", "/", "locks", "é", "~"];
    let mut keys = vec![String::new()];
    for _ in 0..6 {
        let longer: Vec<String> = keys
            .iter()
            .flat_map(|key| parts.iter().map(move |part| format!("{key}{part}")))
            .collect();
        keys = longer;
    }
    for length in [230, 231, 232, 999, 1000, 1001] {
        keys.push("x".repeat(length));
        keys.push("ab/".repeat(length).chars().take(length).collect());
        keys.push(format!("a/{}/b", "y".repeat(length)));
    }
    let (good, bad): (Vec<_>, Vec<_>) = keys.iter().partition(|key| broken_rule(key).is_none());
    assert!(good.len() > 100 && bad.len() > 100);
    for key in good {
        assert!(is_plainly_valid(key.as_bytes()), "{key:?}");
    }
    for key in bad {
        assert!(!is_plainly_valid(key.as_bytes()), "{key:?}");
    }
}
