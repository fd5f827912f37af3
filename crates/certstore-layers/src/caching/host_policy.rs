//! Which hosts may have a certificate.

use async_trait::async_trait;
use certstore_core::{Error, Result};

/// Decides whether a certificate for a host may be asked for.
///
/// Functions from a host to a result are policies:
///
/// ```
/// use certstore_core::{Error, ErrorKind};
/// use certstore_layers::caching::{HostPolicy, wrap_host_policy_no_port};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let ours = |host: &str| match host {
///     "example.com" => Ok(()),
///     _ => Err(Error::new(ErrorKind::PermissionDenied, "not one of our hosts").with_subject(host)),
/// };
/// let policy = wrap_host_policy_no_port(ours);
/// assert!(policy.check("example.com:8443").await.is_ok());
/// assert!(policy.check("example.org:8443").await.is_err());
/// # }
/// ```
#[async_trait]
pub trait HostPolicy: Send + Sync {
    /// `Ok` when a certificate for `host` may be asked for.
    ///
    /// # Errors
    /// Of the policy: the host is refused, or could not be judged.
    ///
    /// # Cancel safety
    /// Cancel safe: it decides, and changes nothing.
    async fn check(&self, host: &str) -> Result<(), Error>;
}

#[async_trait]
impl<F> HostPolicy for F
where
    F: Fn(&str) -> Result<()> + Send + Sync,
{
    async fn check(&self, host: &str) -> Result<()> {
        self(host)
    }
}

/// A policy that sees hosts without their ports. Made by [`wrap_host_policy_no_port`].
#[derive(Debug, Clone)]
pub struct HostPolicyNoPort<P>(P);

/// Wraps a policy so that it sees every host without its port: for tests and set-ups that serve on other ports than 80
/// and 443, whose clients name the port too.
#[must_use]
pub fn wrap_host_policy_no_port<P: HostPolicy>(existing: P) -> HostPolicyNoPort<P> {
    HostPolicyNoPort(existing)
}

#[async_trait]
impl<P: HostPolicy> HostPolicy for HostPolicyNoPort<P> {
    async fn check(&self, host: &str) -> Result<()> {
        self.0.check(host_without_port(host)).await
    }
}

/// The host of `host:port`, of `[address]:port` and of `[address]`; anything else is a host without a port, an IPv6
/// address without brackets among them.
///
/// ```
/// use certstore_layers::caching::host_without_port;
/// assert_eq!(host_without_port("example.com:8443"), "example.com");
/// assert_eq!(host_without_port("[::1]:8443"), "::1");
/// assert_eq!(host_without_port("::1"), "::1");
/// ```
#[must_use]
pub fn host_without_port(host: &str) -> &str {
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((address, rest)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let ends = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
        return if ends { address } else { host };
    }
    match host.split_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    }
}

#[cfg(test)]
#[path = "host_policy_tests.rs"]
mod tests;
