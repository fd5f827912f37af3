use certstore_core::Version;
use certstore_core::lease::{Record, State};

use super::{Holding, LockRow, PEER_LEASE};

const GO: &str = "3b241101-e2bb-4255-8caf-4136c566a962";

/// As a certstore process writes it.
fn record() -> Record {
    Record::decode(
        "certstore-lock 1\nname job\nstate held\nowner 0000000000000000000000000000000a\nwrite 0b\ntoken 1700\nspan 9\n\
         seq 3\nlease_ms 15000\ncreated_us 1\nupdated_us 2\nholder host pid 1 certstore\n",
    )
    .unwrap()
}

fn row(rvn: Option<i64>, record: Option<&Record>, owner: &str) -> LockRow {
    LockRow {
        rvn,
        data: record.map(|record| record.encode().into_bytes()),
        owner: Some(owner.to_owned()),
        version: Version::new("v"),
    }
}

#[test]
fn an_own_row_gives_its_record() {
    let record = record();
    let row = row(Some(7), Some(&record), "certstore:0000000000000000000000000000000a");
    assert_eq!(LockRow::owner_of(&record), row.owner.clone().unwrap());
    assert_eq!(row.holding(), Holding::Ours);
    assert_eq!(row.stored("job").unwrap().record, record);
}

#[test]
fn a_peers_row_is_held_for_the_peers_lease() {
    let row = row(Some(7), None, GO);
    assert_eq!(row.holding(), Holding::Peer(GO.to_owned()));
    let seen = row.stored("job").unwrap().record;
    assert_eq!((seen.state, seen.lease, seen.token), (State::Held, PEER_LEASE, 0));
    assert_eq!((seen.name.as_str(), seen.owner, seen.write), ("job", 0, 7));
}

#[test]
fn a_row_that_a_peer_took_over_is_not_ours_and_remembers_the_token() {
    // The peer keeps the data of the row that it takes over.
    let (last, row) = (record(), row(Some(8), Some(&record()), GO));
    assert_eq!(row.holding(), Holding::Peer(GO.to_owned()));
    let seen = row.stored("job").unwrap().record;
    assert_eq!((seen.owner, seen.write, seen.lease), (0, 8, PEER_LEASE));
    assert_eq!(seen.token, last.next_token());
    assert!(!seen.covers(certstore_core::FencingToken(1708)));
}

#[test]
fn a_row_without_a_number_is_free() {
    let (ours, theirs) = ("certstore:0000000000000000000000000000000a", GO);
    let mut free = record();
    free.state = State::Free;
    assert_eq!(row(None, Some(&free), ours).holding(), Holding::Free);
    assert_eq!(row(None, Some(&free), ours).stored("job").unwrap().record, free);
    // Freed by hand: the data still says held.
    assert_eq!(row(None, Some(&record()), ours).stored("job").unwrap().record, free);
    // Taken over and freed by a peer: nobody's write, but the last token is known.
    let seen = row(None, Some(&record()), theirs).stored("job").unwrap().record;
    assert_eq!((seen.state, seen.owner, seen.write), (State::Free, 0, 0));
    assert_eq!(seen.next_token(), record().next_token() + 1);
    let seen = row(None, None, theirs).stored("job").unwrap().record;
    assert_eq!((seen.state, seen.token), (State::Free, 0));
}

#[test]
fn data_that_is_no_record_is_a_peers() {
    for data in [&b""[..], b"\xff\xfe", b"certstore-lock 1\nname job\n", b"anything"] {
        let row = LockRow {
            rvn: Some(9),
            data: Some(data.to_vec()),
            owner: Some("certstore:0000000000000000000000000000000a".to_owned()),
            version: Version::new("9"),
        };
        assert_eq!(row.stored("job").unwrap().record.lease, PEER_LEASE);
    }
    let nobody = LockRow { rvn: Some(9), data: None, owner: None, version: Version::new("9") };
    assert_eq!(nobody.holding(), Holding::Peer(String::new()));
}
