//! The caching store: the table of certcache, outages, single flights, change notices, a sealed copy.

#[path = "../src/test_clock.rs"]
mod clock;
#[path = "caching/copies.rs"]
mod copies;
#[path = "caching/notices.rs"]
mod notices;
#[path = "caching/outage.rs"]
mod outage;
#[path = "caching/postgres.rs"]
mod postgres;
#[path = "caching/support.rs"]
mod support;
#[path = "caching/table.rs"]
mod table;
