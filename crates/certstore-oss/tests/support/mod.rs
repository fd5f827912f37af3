//! What the programs that run the suite share.

pub(crate) mod factory;
pub(crate) mod site;
