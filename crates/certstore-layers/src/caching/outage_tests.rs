use super::*;
use crate::test_clock::TestClock;

const LIMIT: Duration = Duration::from_secs(60);
const INTERVAL: Duration = Duration::from_secs(2);

fn outage(interval: Duration) -> (Outage, Arc<TestClock>) {
    let clock = TestClock::new();
    (Outage::new("memory", LIMIT, interval, clock.clone()), clock)
}

fn down() -> Result<(), Error> {
    Err(Error::new(ErrorKind::Unavailable, "no answer"))
}

#[test]
fn one_caller_an_interval_asks_again() {
    let (outage, clock) = outage(INTERVAL);
    assert_eq!(outage.ask(), Ask::Up);
    assert!(!outage.is_down());
    outage.note(&down());
    assert_eq!(outage.ask(), Ask::Down);
    assert!(outage.is_down());
    clock.advance(INTERVAL);
    assert!(!outage.is_down());
    assert_eq!((outage.ask(), outage.ask()), (Ask::Probe, Ask::Down));
    clock.advance(INTERVAL);
    assert_eq!(outage.lasts(), Some(2 * INTERVAL));
    outage.note(&Ok(()));
    assert_eq!((outage.ask(), outage.lasts()), (Ask::Up, None));
}

#[test]
fn without_an_interval_everybody_asks() {
    let (outage, _clock) = outage(Duration::ZERO);
    outage.note(&down());
    assert_eq!((outage.ask(), outage.ask()), (Ask::Probe, Ask::Probe));
}

#[test]
fn only_an_answer_of_the_storage_ends_an_outage() {
    let (outage, _clock) = outage(INTERVAL);
    for (kind, ends) in [
        (ErrorKind::NotFound, true),
        (ErrorKind::Conflict, true),
        (ErrorKind::Fenced, true),
        (ErrorKind::Corrupt, true),
        (ErrorKind::InvalidKey, false),
        (ErrorKind::TooLarge, false),
        (ErrorKind::LockLost, false),
        (ErrorKind::Unsupported, false),
    ] {
        outage.note(&down());
        outage.note(&Err::<(), _>(Error::new(kind, "an answer")));
        assert_eq!(outage.lasts().is_none(), ends, "{kind}");
    }
}
