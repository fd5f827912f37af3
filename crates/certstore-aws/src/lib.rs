#![doc = include_str!("../README.md")]

mod credentials;
mod denied;
mod finding;
mod unanswered;

pub use credentials::check_credentials;
pub use denied::denied_action;
pub use finding::Finding;
pub use unanswered::{UNTRUSTED, Unanswered};
