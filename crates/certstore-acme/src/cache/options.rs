//! How a cache is set up.

use std::num::NonZeroUsize;

use certstore_core::Result;

use crate::subject;

/// How a [`Cache`](super::Cache) is set up.
///
/// ```
/// use certstore_acme::{Cache, CacheOptions};
/// let mut options = CacheOptions::default();
/// options.capacity = std::num::NonZeroUsize::new(10_000);
/// options.default_name = Some("www.example.com".to_owned());
/// let cache = Cache::with_options(options)?;
/// # Ok::<(), certstore_core::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// How many certificates it holds at most; `None`, the default, for no limit. Over it, a managed one that nobody
    /// has asked for lately goes; [`Config::certificate_for`](crate::Config::certificate_for), which
    /// [`TlsListener`](crate::TlsListener) calls, loads it from the storage again. Unmanaged ones count and always stay.
    pub capacity: Option<NonZeroUsize>,
    /// Whose certificate a client gets that names none, if there is none for the address it connected to.
    pub default_name: Option<String>,
    /// Whose certificate a client gets that names what there is no certificate for. Without it, it is turned away.
    pub fallback_name: Option<String>,
}

impl CacheOptions {
    /// With names as certificates have them.
    pub(super) fn normal(mut self) -> Result<Self> {
        for name in [&mut self.default_name, &mut self.fallback_name].into_iter().flatten() {
            *name = subject(name)?;
        }
        Ok(self)
    }
}
