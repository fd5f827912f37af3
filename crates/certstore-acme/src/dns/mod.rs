//! DNS-01: proving a name by a record in its zone (RFC 8555, section 8.4).

mod challenge;
mod error;
mod lookups;
mod provider;
mod responder;
#[cfg(feature = "rfc2136")]
mod rfc2136;

pub use challenge::DnsChallenge;
pub use error::DnsError;
pub use provider::{DnsProvider, TxtRecord};
#[cfg(feature = "rfc2136")]
pub use rfc2136::Rfc2136;

pub(crate) use responder::DnsResponder;
