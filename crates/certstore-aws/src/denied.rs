//! What a policy would have to allow.

/// The services whose actions may be named.
const SERVICES: [&str; 3] = ["kms", "s3", "secretsmanager"];

/// The action in a denial like "User: .. is not authorized to perform: s3:GetObject on resource: ..", and nothing else of
/// its words, which can name accounts and what is asked for.
#[must_use]
pub fn denied_action(words: &str) -> Option<String> {
    let (_, rest) = words.split_once("is not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?;
    let (service, name) = action.split_once(':')?;
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (plain && SERVICES.contains(&service)).then(|| action.to_owned())
}

#[cfg(test)]
#[path = "denied_tests.rs"]
mod tests;
