//! Stores that are each wrong in one clause.
