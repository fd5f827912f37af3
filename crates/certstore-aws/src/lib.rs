#![doc = include_str!("../README.md")]

mod credentials;
mod finding;
mod unanswered;

pub use credentials::check_credentials;
pub use finding::Finding;
pub use unanswered::{UNTRUSTED, Unanswered};
