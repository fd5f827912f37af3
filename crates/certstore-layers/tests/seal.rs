//! Sealing: against Tink's own library, under live writers, over damaged input, and what it costs.

#[path = "seal/content.rs"]
mod content;
#[path = "seal/cost.rs"]
mod cost;
#[path = "seal/fuzz.rs"]
mod fuzz;
#[path = "seal/journal.rs"]
mod journal;
#[path = "seal/memory_bound.rs"]
mod memory_bound;
#[path = "seal/reseal.rs"]
mod reseal;
#[path = "seal/support.rs"]
mod support;
#[path = "seal/tink.rs"]
mod tink;
#[path = "seal/wrapped.rs"]
mod wrapped;
