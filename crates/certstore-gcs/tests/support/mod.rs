//! What the test programs share.

pub(crate) mod site;
