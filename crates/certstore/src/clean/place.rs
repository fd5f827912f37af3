//! Which keys a cleaning looks at: those of the layout, and no other.

use certstore_core::Key;

use super::CleanKind;

/// What a key is by its name alone; what its value says decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// `certificates/ISSUER/SITE/SITE.crt`
    Certificate {
        /// The site as the key spells it.
        site: String,
    },
    /// `ocsp/NAME-HASH`, or `ocsp/HASH` of a certificate without names.
    Staple,
    /// `acme/ISSUER/challenge_tokens/NAME.json`, `zerossl/challenge_tokens/NAME.json`
    ChallengeToken,
    /// `acme/ISSUER/orders/NAME.json`, which certstore keeps
    Order,
    /// A file of nothing but digits beside one of these: what CertMagic's files are called until they are whole.
    Temporary,
    /// `rw_test_NUMBER` at the root: what CertMagic writes, and removes, before it orders a certificate.
    HealthCheck,
}

impl Place {
    /// What `key` is, if it is anything that cleaning knows.
    pub(super) fn of(key: &Key) -> Option<Self> {
        let parts: Vec<&str> = key.components().collect();
        match *parts {
            ["certificates", _, site, file] if file.strip_suffix(".crt") == Some(site) => {
                Some(Self::Certificate { site: site.to_owned() })
            }
            ["certificates", _, _, file]
            | ["acme", _, "users", _, file]
            | ["acme", _, "challenge_tokens", file]
            | ["acme", _, "orders", file]
            | ["zerossl", "challenge_tokens", file]
                if is_temporary(file) =>
            {
                Some(Self::Temporary)
            }
            // A hash is at most eight digits; a temporary name has more, or could be either: then the value tells.
            ["ocsp", file] if is_temporary(file) && file.len() > 8 => Some(Self::Temporary),
            ["ocsp", file] if is_staple(file) => Some(Self::Staple),
            ["acme", _, "challenge_tokens", file] | ["zerossl", "challenge_tokens", file] => {
                file.ends_with(".json").then_some(Self::ChallengeToken)
            }
            ["acme", _, "orders", file] => file.ends_with(".json").then_some(Self::Order),
            [file] => {
                file.strip_prefix("rw_test_").is_some_and(is_number).then_some(Self::HealthCheck)
            }
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> CleanKind {
        match self {
            Self::Certificate { .. } => CleanKind::Certificate,
            Self::Staple => CleanKind::Staple,
            Self::ChallengeToken => CleanKind::ChallengeToken,
            Self::Order => CleanKind::Order,
            Self::Temporary => CleanKind::Temporary,
            Self::HealthCheck => CleanKind::HealthCheck,
        }
    }
}

/// Go's `os.CreateTemp` with an empty pattern: a number of 32 bits.
fn is_temporary(file: &str) -> bool {
    is_number(file) && file.parse::<u32>().is_ok()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The hash is written without leading zeros.
fn is_staple(file: &str) -> bool {
    let hash = file.rsplit_once('-').map_or(file, |(_, hash)| hash);
    (1..=8).contains(&hash.len())
        && hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::Place;

    fn place(key: &str) -> Option<Place> {
        Place::of(&key.parse().unwrap())
    }

    #[test]
    fn only_keys_of_the_layout_are_looked_at() {
        let site = |site: &str| Some(Place::Certificate { site: site.to_owned() });
        assert_eq!(place("certificates/local/a.test/a.test.crt"), site("a.test"));
        assert_eq!(place("certificates/local/123/123.crt"), site("123"));
        assert_eq!(place("certificates/local/a.test/4027512321"), Some(Place::Temporary));
        assert_eq!(place("ocsp/a.test-4fe0631e"), Some(Place::Staple));
        assert_eq!(place("ocsp/4fe0631e"), Some(Place::Staple));
        assert_eq!(place("ocsp/12345678"), Some(Place::Staple));
        assert_eq!(place("ocsp/4027512321"), Some(Place::Temporary));
        assert_eq!(place("acme/ca/challenge_tokens/a.test.json"), Some(Place::ChallengeToken));
        assert_eq!(place("zerossl/challenge_tokens/a.test.json"), Some(Place::ChallengeToken));
        assert_eq!(place("acme/ca/orders/a.test.json"), Some(Place::Order));
        assert_eq!(place("rw_test_8674665223082153551"), Some(Place::HealthCheck));
    }

    #[test]
    fn what_others_keep_beside_it_is_not() {
        for key in [
            "certificates/local/a.test/a.test.key",
            "certificates/local/a.test/a.test.json",
            "certificates/local/a.test/a.test.key.compromised",
            "certificates/local/a.test/b.test.crt",
            "certificates/a.test.crt",
            "certificates/local/a.test/deeper/a.test.crt",
            "certificates/local/a.test/99999999999",
            "pki/authorities/local/root.crt",
            "ocsp/a.test-4fe0631e0",
            "ocsp/a.test-XYZ",
            "ocsp/deeper/a.test-4fe0631e",
            "acme/ca/users/ops@a.test/ops.json",
            "acme/ca/challenge_tokens/a.test",
            "rw_test_",
            "rw_test_1a",
            "rw_test_1/1",
            "last_clean.json",
            "12345",
        ] {
            assert_eq!(place(key), None, "{key}");
        }
    }
}
