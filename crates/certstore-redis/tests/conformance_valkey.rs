//! The contract, on Valkey.

mod support;

use certstore_conformance::conformance;
use support::RedisFactory;

conformance!(RedisFactory::valkey());
