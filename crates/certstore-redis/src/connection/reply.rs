//! What a command does, and what its reply is.

use certstore_core::Result;
use redis::{Cmd, FromRedisValue, Value};

use crate::error::{Effect, unexpected_reply};

/// The reply as `T`. One of another form tells nothing of what a write did.
pub(super) fn parsed<T: FromRedisValue>(value: Value, effect: Effect) -> Result<T> {
    T::from_redis_value(value)
        .map_err(|_| unexpected_reply().with_may_have_applied(effect == Effect::Write))
}

/// Commands that only read; anything else counts as a write.
pub(super) fn effect_of(cmd: &Cmd) -> Effect {
    const READING: [&[u8]; 19] = [
        b"GET",
        b"MGET",
        b"HGET",
        b"HMGET",
        b"HGETALL",
        b"HEXISTS",
        b"EXISTS",
        b"ZRANGE",
        b"ZSCORE",
        b"ZMSCORE",
        b"ZCARD",
        b"ZRANGEBYLEX",
        b"STRLEN",
        b"PTTL",
        b"SCAN",
        b"TIME",
        b"PING",
        b"INFO",
        b"CONFIG",
    ];
    let name = match cmd.args_iter().next() {
        Some(redis::Arg::Simple(name)) => name.to_ascii_uppercase(),
        _ => return Effect::Write,
    };
    if READING.contains(&name.as_slice()) { Effect::Read } else { Effect::Write }
}
