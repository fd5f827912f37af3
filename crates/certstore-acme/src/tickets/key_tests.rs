use super::*;

#[test]
fn what_is_sealed_opens_and_nothing_else() {
    let key = TicketKey::generate(7).unwrap();
    for session in [&b""[..], b"session", &[7; 4096]] {
        let ticket = key.seal(session).unwrap();
        assert_eq!(ticket.len(), session.len() + 44);
        assert_eq!(key.open(&ticket).as_deref(), Some(session));
        assert_ne!(key.seal(session), key.seal(session), "a nonce is drawn for each");
    }
    let ticket = key.seal(b"session").unwrap();
    for cut in 0..ticket.len() {
        assert_eq!(key.open(&ticket[..cut]), None, "cut to {cut}");
    }
    for bit in 0..8 * ticket.len() {
        let mut flipped = ticket.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.open(&flipped), None, "bit {bit}");
    }
    let longer = [&ticket[..], b"\0"].concat();
    assert_eq!(key.open(&longer), None);
    assert_eq!(TicketKey::generate(7).unwrap().open(&ticket), None);
}

/// A key that says it is another does not open that one's tickets.
#[test]
fn the_id_is_authenticated() {
    let key = TicketKey::generate(7).unwrap();
    let secret = Zeroizing::new(*key.secret);
    let renamed = TicketKey { id: [9; ID], created: 7, secret };
    let mut ticket = key.seal(b"session").unwrap();
    ticket[..ID].copy_from_slice(&renamed.id);
    assert_eq!(renamed.open(&ticket), None);
}

#[test]
fn what_a_ticket_cannot_hold_is_not_sealed() {
    let key = TicketKey::generate(7).unwrap();
    assert_eq!(key.seal(&vec![0; LONGEST - 44]).map(|ticket| ticket.len()), Some(LONGEST));
    assert_eq!(key.seal(&vec![0; LONGEST - 43]), None);
}
