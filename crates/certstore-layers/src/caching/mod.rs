//! The caching store, and what the documentation of certcache has beside it.
//!
//! [`CachingStore`] keeps what hosts share in a backing storage and what is a host's own in a local one; with
//! [`CopyOptions`] it serves shared values when the backing storage does not answer. [`Cache`] is its form by autocert's
//! names, and [`LocalStore`] the same over one storage alone.

mod account_key;
mod cache;
mod copy;
mod delete;
mod error;
mod flights;
mod host_policy;
mod names;
mod notices;
mod options;
mod outage;
mod refresh;
mod revocation;
mod storage;
mod store;
mod through;

pub use account_key::AccountKey;
pub use cache::{Cache, LocalStore, new_local_store};
pub use copy::COPIES;
pub use delete::Deletable;
pub use error::{CacheError, CacheErrorKind};
pub use host_policy::{HostPolicy, HostPolicyNoPort, host_without_port, wrap_host_policy_no_port};
pub use names::{is_acme_account_key, is_local_name};
pub use options::{CachingOptions, CopyOptions, Freshness, has_readonly_option};
pub use refresh::{
    CertificateManager, ClientHello, PREFERRED_CIPHER_SUITES, PREFERRED_SIGNATURE_SCHEMES,
    refresh_certificate,
};
pub use revocation::{RevocationReason, parse_revocation_reason};
pub use store::CachingStore;
