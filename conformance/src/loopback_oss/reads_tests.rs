use super::{Part, part};

#[test]
fn a_range_outside_gives_all_unless_the_standard_is_asked_for() {
    for (header, lenient, standard) in [
        ("", Part::All, Part::All),
        ("bytes=0-3", Part::Range(0, 3), Part::Range(0, 3)),
        ("bytes=4-", Part::Range(4, 9), Part::Range(4, 9)),
        ("bytes=-4", Part::Range(6, 9), Part::Range(6, 9)),
        ("bytes=4-99", Part::All, Part::Range(4, 9)),
        ("bytes=-99", Part::All, Part::Range(0, 9)),
        ("bytes=10-", Part::All, Part::Unsatisfiable),
        ("bytes=-0", Part::All, Part::Unsatisfiable),
        ("bytes=3-2", Part::All, Part::All),
        ("bytes=a-b", Part::All, Part::All),
        ("lines=0-1", Part::All, Part::All),
    ] {
        assert_eq!(part(header, "", 10), lenient, "{header}");
        assert_eq!(part(header, "standard", 10), standard, "{header}");
    }
    assert_eq!(part("bytes=-4", "standard", 0), Part::Unsatisfiable);
}
