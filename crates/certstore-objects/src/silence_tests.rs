//! What becomes of errors that drivers give.

use super::*;

const UNTRUSTED: &str = "it is not trusted";

/// An error with a source, as drivers make them.
#[derive(Debug)]
struct Outer(&'static str, io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Outer {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.1)
    }
}

#[test]
fn why_there_is_no_connection_stands_in_the_causes() {
    let refused = Outer("connect error", io::ErrorKind::ConnectionRefused.into());
    let silence = Silence::unconnected(&refused, UNTRUSTED).expect("it tells");
    assert!(silence.message.contains("nothing listens"));
    for (text, kind, words) in [
        ("dns error: no such host", ErrorKind::Unavailable, "name is not found"),
        ("failed to lookup address information", ErrorKind::Unavailable, "name is not found"),
        ("invalid peer certificate: UnknownIssuer", ErrorKind::InvalidConfig, UNTRUSTED),
    ] {
        let error = Outer("connect error", io::Error::other(text));
        let silence = Silence::unconnected(&error, UNTRUSTED).expect("it tells");
        assert!((silence.kind, silence.sent) == (kind, false) && silence.message.contains(words));
    }
    let reset = Outer("connect error", io::ErrorKind::ConnectionReset.into());
    assert_eq!(Silence::unconnected(&reset, UNTRUSTED), None);
}

#[test]
fn only_a_write_that_was_sent_may_have_applied() {
    let cause = io::Error::other("gone");
    for (sent, access, unclear) in
        [(true, Access::Write, true), (true, Access::Read, false), (false, Access::Write, false)]
    {
        let error = Silence::broken(sent).error("test", access, &cause);
        assert_eq!(error.may_have_applied(), unclear);
        assert!(error.is_retryable());
    }
    assert!(too_late("test", Duration::from_millis(7), Access::Write).may_have_applied());
    assert!(!too_late("test", Duration::from_millis(7), Access::Read).may_have_applied());
}

#[test]
fn a_cause_is_one_line_without_repetitions() {
    let error = Outer("broken\npipe", io::Error::other("brokenpipe"));
    assert_eq!(Cause::of(&error).to_string(), "brokenpipe");
    let error = Outer("sending failed", io::Error::other("x".repeat(300)));
    assert_eq!(Cause::of(&error).to_string().len(), "sending failed: ".len() + 200);
}
