//! Which of the chains that a CA has for a certificate is taken.

use http::HeaderMap;
use http::header::LINK;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// More alternates than a CA has, and not as many as one could make up.
const ALTERNATES: usize = 10;

/// Which of several chains for a certificate is preferred, where a CA has more than one (RFC 8555, section 7.4.2): they
/// lead to different roots. Without a match its first is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PreferredChain {
    /// The one of the fewest bytes.
    Smallest,
    /// The first whose root has one of these common names; an earlier name counts for more. The root is not in the chain:
    /// it is who has issued the last certificate of it.
    Root(Vec<String>),
    /// The first in which an authority has one of these common names, root or intermediate; an earlier name counts for more.
    Any(Vec<String>),
}

impl PreferredChain {
    /// Which of these chains, in PEM, is preferred; `None`: none of them more than another.
    pub(crate) fn choose(&self, chains: &[String]) -> Option<usize> {
        let first = |names: &[String], has: &dyn Fn(&[String], &str) -> bool| {
            let authorities: Vec<Vec<String>> =
                chains.iter().map(|chain| authorities(chain)).collect();
            names.iter().find_map(|name| authorities.iter().position(|of| has(of, name)))
        };
        match self {
            Self::Smallest => (0..chains.len()).min_by_key(|at| chains[*at].len()),
            Self::Root(names) => first(names, &|of, name| of.last().is_some_and(|own| own == name)),
            Self::Any(names) => first(names, &|of, name| of.iter().any(|own| own == name)),
        }
    }
}

/// The common names of those who issued the certificates of a chain, the leaf's first.
fn authorities(chain: &str) -> Vec<String> {
    let name = |der: CertificateDer<'_>| {
        let (_, parsed) = X509Certificate::from_der(&der).ok()?;
        let name = parsed.issuer().iter_common_name().next()?.as_str().ok()?.to_owned();
        Some(name)
    };
    let certificates = CertificateDer::pem_slice_iter(chain.as_bytes());
    certificates.map(|der| der.ok().and_then(name).unwrap_or_default()).collect()
}

/// The URLs of a certificate's other chains, as the answer with the first one links them (RFC 8288).
pub(crate) fn alternates(headers: &HeaderMap) -> Vec<String> {
    let mut found = Vec::new();
    for value in headers.get_all(LINK) {
        let mut rest = value.to_str().unwrap_or_default();
        while let Some((url, after)) = rest.split_once('<').and_then(|(_, url)| url.split_once('>'))
        {
            let (parameters, next) = after.split_at(after.find('<').unwrap_or(after.len()));
            if is_alternate(parameters) && url.starts_with("https://") && found.len() < ALTERNATES {
                found.push(url.to_owned());
            }
            rest = next;
        }
    }
    found
}

fn is_alternate(parameters: &str) -> bool {
    parameters.split([';', ',']).any(|parameter| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel")
            && relations.any(|relation| relation.eq_ignore_ascii_case("alternate"))
    })
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
