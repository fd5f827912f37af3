//! When a CA would have a certificate renewed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use certstore::bundle::{BundleMetadata, CertificateBundle};
use certstore_core::Random;
use instant_acme::HttpClient;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::directory::get;
use crate::retry_after::retry_after;

/// Where it stands in the metadata beside a certificate, as CertMagic has it.
const FIELD: &str = "renewal_info";
/// Between two questions, whatever the CA says (RFC 9773, section 4.3.2); and where it says nothing.
const SHORTEST: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(24 * 3600);
pub(crate) const USUAL: Duration = Duration::from_secs(6 * 3600);

/// When the CA would have a certificate renewed (RFC 9773), and the time in that window which one node has chosen for all.
///
/// It lies in the metadata beside the certificate in CertMagic's form, so nodes of certstore and of Caddy keep to the same
/// time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalInfo {
    #[serde(rename = "suggestedWindow")]
    window: Window,
    #[serde(rename = "explanationURL", default, skip_serializing_if = "Option::is_none")]
    explanation_url: Option<String>,
    #[serde(rename = "_uniqueIdentifier", default, skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(rename = "_retryAfter", default, skip_serializing_if = "is_none", with = "go_time")]
    retry_after: Option<SystemTime>,
    #[serde(rename = "_selectedTime", default, with = "go_time")]
    selected_time: Option<SystemTime>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    #[serde(with = "go_time")]
    start: Option<SystemTime>,
    #[serde(with = "go_time")]
    end: Option<SystemTime>,
}

impl RenewalInfo {
    /// What is stored with a certificate, if it is about this certificate and makes sense.
    #[must_use]
    pub fn of(bundle: &CertificateBundle) -> Option<Self> {
        let stored = bundle.metadata().issuer_data.as_ref()?.get(FIELD)?;
        let stored = Self::deserialize(stored).ok()?;
        let (start, end) = (stored.window.start?, stored.window.end?);
        let about = stored.certificate.as_deref();
        let own = about.is_none_or(|about| renewal_id(bundle.chain()).as_deref() == Some(about));
        (own && start <= end).then_some(stored)
    }

    /// From when on, and until when, the CA would have the certificate renewed.
    #[must_use]
    pub fn window(&self) -> (SystemTime, SystemTime) {
        // `of` and `ask` see to it that both are there.
        (self.window.start.unwrap_or(UNIX_EPOCH), self.window.end.unwrap_or(UNIX_EPOCH))
    }

    /// A page that says why.
    #[must_use]
    pub fn explanation_url(&self) -> Option<&str> {
        self.explanation_url.as_deref()
    }

    /// When the fleet renews the certificate; `None` while no node has chosen.
    #[must_use]
    pub fn selected_time(&self) -> Option<SystemTime> {
        self.selected_time
    }

    /// When the CA is asked again.
    #[must_use]
    pub fn ask_again(&self) -> Option<SystemTime> {
        self.retry_after
    }

    /// Whether it is time to ask the CA again, or to choose.
    pub(crate) fn is_stale(&self, now: SystemTime) -> bool {
        self.selected_time.is_none() || self.retry_after.is_none_or(|again| again <= now)
    }

    /// Asks the CA about the certificate of this identifier.
    pub(crate) async fn ask(
        client: &impl HttpClient,
        url: &str,
        id: &str,
        now: SystemTime,
    ) -> Result<Self, instant_acme::Error> {
        let (headers, body) = get(client, &format!("{}/{id}", url.trim_end_matches('/'))).await?;
        let mut info: Self = serde_json::from_slice(&body)?;
        match (info.window.start, info.window.end) {
            (Some(start), Some(end)) if start <= end => {}
            _ => return Err("a window for the renewal".into()),
        }
        let again = retry_after(&headers, now).unwrap_or(now + USUAL);
        info.retry_after = Some(whole(again.clamp(now + SHORTEST, now + LONGEST)));
        info.certificate = Some(id.to_owned());
        // These are the fleet's own, and not the CA's to say.
        info.selected_time = None;
        info.others.clear();
        Ok(info)
    }

    /// Keeps the time that was chosen before where it is in the new window, else chooses one at random (RFC 9773,
    /// section 4.2).
    pub(crate) fn choose(&mut self, before: Option<&Self>, random: &dyn Random) {
        let (start, end) = self.window();
        let kept = before.and_then(|before| before.selected_time);
        let chosen = kept.filter(|kept| (start..=end).contains(kept)).unwrap_or_else(|| {
            let length = end.duration_since(start).unwrap_or_default();
            start + length.mul_f64(random.next_unit())
        });
        self.selected_time = Some(whole(chosen));
    }

    /// The metadata of a certificate with this in it.
    pub(crate) fn put_into(&self, metadata: &BundleMetadata) -> BundleMetadata {
        let mut metadata = metadata.clone();
        let data = metadata.issuer_data.get_or_insert_with(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            // It came from JSON, and is JSON again.
            let value = serde_json::to_value(self).unwrap_or_default();
            data.insert(FIELD.to_owned(), value);
        }
        metadata
    }
}

/// What a CA knows a certificate by (RFC 9773, section 4.1): its authority's key identifier and its serial number, each in
/// base64url, with a dot between. `None`: it does not say who signed it, or cannot be read.
pub(crate) fn renewal_id(chain: &str) -> Option<String> {
    let (authority, serial) = parts(chain)?;
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    Some(format!("{}.{}", encode(&authority), encode(&serial)))
}

/// The authority's key identifier and the serial number of the first certificate of a chain.
pub(crate) fn parts(chain: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let der = CertificateDer::from_pem_slice(chain.as_bytes()).ok()?;
    let (_, leaf) = X509Certificate::from_der(&der).ok()?;
    let authority =
        leaf.iter_extensions().find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                authority.key_identifier.as_ref().map(|id| id.0.to_vec())
            }
            _ => None,
        })?;
    Some((authority, leaf.raw_serial().to_vec()))
}

/// Without fractions of a second.
fn whole(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

fn is_none(time: &Option<SystemTime>) -> bool {
    time.is_none()
}

/// Times as Go writes them in JSON (RFC 3339). Its zero time, in the year 1, is no time.
mod go_time {
    use std::time::{SystemTime, UNIX_EPOCH};

    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    const ZERO: &str = "0001-01-01T00:00:00Z";

    pub(super) fn serialize<S: Serializer>(
        time: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            None => serializer.serialize_str(ZERO),
            Some(time) => {
                let text =
                    OffsetDateTime::from(*time).format(&Rfc3339).map_err(S::Error::custom)?;
                serializer.serialize_str(&text)
            }
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let time = OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)?;
        Ok((time > OffsetDateTime::from(UNIX_EPOCH)).then(|| time.into()))
    }
}

#[cfg(test)]
#[path = "renewal_info_tests.rs"]
mod tests;
