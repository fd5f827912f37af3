use std::time::{Duration, UNIX_EPOCH};

use super::{Holder, Record, State};
use crate::{ErrorKind, FencingToken};

fn record() -> Record {
    Record {
        name: "line\nbreak \\ \"quote\" \r bücher".into(),
        state: State::Held,
        owner: 0x1234,
        write: u128::MAX,
        token: 1_763_775_000_000_000,
        span: 9,
        seq: 3,
        lease: Duration::from_secs(30),
        holder: Holder {
            name: "host pid 1 \"app\"".into(),
            created: UNIX_EPOCH + Duration::from_micros(1_763_775_000_000_000),
            updated: UNIX_EPOCH + Duration::from_micros(1_763_775_000_000_001),
        },
    }
}

#[test]
fn reads_what_it_wrote() {
    let again = Record::decode(&record().encode()).unwrap();
    assert_eq!(again, record());
    assert_eq!(again.encode(), record().encode());
}

#[test]
fn a_cut_anywhere_is_corrupt_or_still_the_record() {
    let text = record().encode();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        match Record::decode(&text[..end]) {
            Ok(read) => assert_eq!(
                (read.owner, read.write, read.state),
                (record().owner, record().write, State::Held)
            ),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt),
        }
    }
    assert!(Record::decode("").is_err());
    assert!(Record::decode("{\"created\":1}").is_err());
}

#[test]
fn covers_its_span_of_tokens() {
    let record = record();
    assert!(!record.covers(FencingToken(record.token - 1)));
    assert!(record.covers(FencingToken(record.token)));
    assert!(record.covers(FencingToken(record.token + 8)));
    assert!(!record.covers(FencingToken(record.token + 9)));
    assert_eq!(record.next_token(), record.token + 9);
}
