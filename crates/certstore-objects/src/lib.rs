#![doc = include_str!("../README.md")]

mod bundle;
mod delete;
mod each;
pub mod endpoint;
mod fence;
mod forward;
mod limit;
mod list;
pub mod location;
mod names;
mod order;
mod register;
mod rules;
pub mod silence;
mod store;
mod tree;
mod walk;

pub use each::{Tried, each};
pub use fence::{FenceStamp, fenced};
pub use limit::check_size;
pub use names::{ObjectNames, hex_digest, mapped, unmapped};
pub use register::{Found, ObjectRegister, Records};
pub use rules::Rules;
pub use silence::Access;
pub use store::{Listed, ObjectStore, Page, Query};
pub use tree::ObjectTree;
