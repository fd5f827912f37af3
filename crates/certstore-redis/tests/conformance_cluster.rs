//! The contract, on a Redis Cluster of three primaries.

mod support;

use certstore_conformance::conformance;
use support::RedisFactory;

conformance!(RedisFactory::cluster());
