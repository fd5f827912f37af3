//! Locks on Redis under fire, and what several clients see.

mod support;

use support::RedisFactory;

certstore_conformance::soak!(RedisFactory::redis());
certstore_conformance::history!(RedisFactory::redis());
