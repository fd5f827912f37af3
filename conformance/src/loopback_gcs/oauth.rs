//! Where tokens come from: an OAuth endpoint and the metadata server of a virtual machine.

use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::tokens::FULL;

/// What a user's credentials file holds.
pub(super) const CLIENT_ID: &str = "loopback.apps.googleusercontent.com";
pub(super) const CLIENT_SECRET: &str = "loopback-client-secret-0004";
pub(super) const REFRESH_TOKEN: &str = "1//loopback-refresh-token-0005";

/// What is given out.
#[derive(Debug, PartialEq)]
pub(super) enum Given {
    Json(Value),
    Text(&'static str),
}

/// `None`: this is another request.
pub(super) fn answer(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Result<Given, Refusal>> {
    const METADATA: &str = "/computeMetadata/v1/";
    if path == "/token" && method == Method::POST {
        return Some(refresh(body));
    }
    let metadata = path.strip_prefix(METADATA)?;
    // Without it the metadata server refuses, so that no forwarded request reaches it:
    // https://cloud.google.com/compute/docs/metadata/querying-metadata
    if headers.get("metadata-flavor").is_none_or(|flavor| flavor != "Google") {
        return Some(Err(Refusal::new(403, "forbidden", "Missing Metadata-Flavor:Google header.")));
    }
    Some(match metadata {
        "instance/service-accounts/default/token" => Ok(Given::Json(token())),
        "instance/service-accounts/default/email" => {
            Ok(Given::Text("full@loopback.iam.gserviceaccount.com"))
        }
        "universe/universe-domain" => Ok(Given::Text("googleapis.com")),
        _ => Err(Refusal::new(404, "notFound", "Not Found")),
    })
}

fn token() -> Value {
    json!({ "access_token": FULL, "expires_in": 3599, "token_type": "Bearer" })
}

/// RFC 6749, section 6; Google takes the fields as JSON, too.
fn refresh(body: &[u8]) -> Result<Given, Refusal> {
    let fields: Value = match serde_json::from_slice(body) {
        Ok(fields) => fields,
        Err(_) => form(body),
    };
    let is = |name: &str, value: &str| fields.get(name).and_then(Value::as_str) == Some(value);
    if !is("client_id", CLIENT_ID) || !is("client_secret", CLIENT_SECRET) {
        return Err(Refusal::new(401, "invalid_client", "The OAuth client was not found."));
    }
    if !is("grant_type", "refresh_token") || !is("refresh_token", REFRESH_TOKEN) {
        return Err(Refusal::new(400, "invalid_grant", "Bad Request"));
    }
    Ok(Given::Json(token()))
}

fn form(body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let pairs = pairs.map(|(name, value)| {
        let value = certstore_core::options::decode(value).unwrap_or_default();
        (name.to_owned(), Value::from(value))
    });
    Value::Object(pairs.collect())
}
