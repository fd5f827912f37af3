//! The contract, on Redis.

mod support;

use certstore_conformance::conformance;
use support::RedisFactory;

conformance!(RedisFactory::redis());
