//! The test servers start, answer, restart, and are gone afterwards.

#![cfg(unix)]

mod pebble;
mod postgres;
mod process;
mod redis;
mod redis_fleet;
mod s3;
