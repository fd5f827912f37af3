//! The vectors were made by Go's own code: CertMagic 0.17.2 (Go 1.19), and for 0.6 the key builder of tag v0.6.2.

mod ca_url;
mod caddy_data;
mod keys;
mod safe;
mod v0_6;

use crate::{Error, ErrorKind, Key, Result};

const LETS_ENCRYPT: &str = "acme-v02.api.letsencrypt.org-directory";

const NAME_PARTS: [&str; 29] = [
    "a",
    "B",
    "z9",
    ".",
    ".",
    "-",
    "_",
    "@",
    "+",
    "*",
    ":",
    "/",
    "\\",
    " ",
    "\t",
    "\u{a0}",
    "\u{2003}",
    "\u{85}",
    "ü",
    "Σ",
    "\u{130}",
    "\u{212a}",
    "%",
    "~",
    "\0",
    "locks",
    "..",
    ",",
    "\u{1f600}",
];

const URL_PARTS: [&str; 43] = [
    "http:",
    "https:",
    "//",
    "//",
    "/",
    "/",
    "a",
    "B",
    "ca.example",
    ":",
    ":14000",
    ":x",
    "@",
    "?",
    "?q=1",
    "#",
    "#f",
    "[::1]",
    "[",
    "]",
    "%41",
    "%2F",
    "%25",
    "%c3%a9",
    "%zz",
    "%",
    "*",
    " ",
    "\\",
    "-",
    "dir",
    "..",
    "é",
    "\u{1}",
    "%20",
    "<",
    "~",
    "^",
    "user",
    "%3a",
    "fe80::1%25en0",
    "+",
    "1",
];

/// The same pseudo-random texts that Go's code was fed.
struct Texts(u64);

impl Texts {
    fn below(&mut self, limit: u64) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit).unwrap()
    }

    fn text(&mut self, parts: &[&str]) -> String {
        let count = self.below(9);
        (0..count).map(|_| parts[self.below(parts.len() as u64)]).collect()
    }

    fn name(&mut self) -> String {
        self.text(&NAME_PARTS)
    }

    fn url(&mut self) -> String {
        self.text(&URL_PARTS)
    }
}

/// FNV-1a (64 bit) over the lines that `line` makes of 20,000 random texts.
fn digest(mut line: impl FnMut(&mut Texts) -> String) -> u64 {
    let mut texts = Texts(1);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for _ in 0..20_000 {
        for byte in line(&mut texts).bytes().chain([b'\n']) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// The key, or an empty line where Go's code would leave the directory and ours refuses.
fn line(key: Result<Key>) -> String {
    match key {
        Ok(key) => key.as_str().to_owned(),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidKey);
            String::new()
        }
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T>) -> Error {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidKey);
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}
