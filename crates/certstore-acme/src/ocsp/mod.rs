//! Whether a certificate is revoked, as its CA says it (OCSP, RFC 6960), for handshakes to show.

mod answer;
mod check;
mod question;
#[cfg(test)]
mod test_authority;

pub use answer::{OcspAnswer, OcspStatus};
pub(crate) use check::check;
pub(crate) use question::{Question, is_must_staple, responder};

#[cfg(test)]
#[path = "ocsp_tests.rs"]
mod tests;
