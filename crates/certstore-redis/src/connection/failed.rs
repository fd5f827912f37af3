//! Why a request got no answer, and what that means for a write.

use std::time::Duration;

use certstore_core::Error;
use redis::RedisError;

use super::dial::Failure;
use crate::error::{Effect, cluster_error, redis_error, timed_out};

/// Why a request failed.
pub(super) enum Failed {
    /// There is no connection: nothing was sent.
    Dial(Failure),
    Redis {
        error: RedisError,
        cluster: bool,
    },
    TimedOut {
        limit: Duration,
        sent: bool,
    },
}

impl Failed {
    pub(super) fn into_error(self, effect: Effect) -> Error {
        match self {
            Self::Dial(failure) => failure.into_error(),
            Self::Redis { error, cluster: true } => cluster_error(error, effect),
            Self::Redis { error, cluster: false } => redis_error(error, effect),
            Self::TimedOut { limit, sent: true } => timed_out(limit, effect),
            Self::TimedOut { limit, sent: false } => timed_out(limit, Effect::Read),
        }
    }
}
