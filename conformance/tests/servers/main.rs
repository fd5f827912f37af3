//! The test servers start, answer, restart, and are gone afterwards.

#![cfg(unix)]

mod postgres;
mod redis;
