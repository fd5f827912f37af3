//! Free ports of 127.0.0.1.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::TcpListener;

use crate::tools::tools_dir;

/// Below what systems hand out to outgoing connections, so that a server finds its port free after a restart.
const PORTS: std::ops::Range<u16> = 16_000..32_000;

/// A port that no other test server has, as long as this lives: two processes that look at the same time do not get
/// the same one, and so neither takes the other's server for its own.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Finds one that nobody listens on.
    pub(crate) fn free() -> io::Result<Self> {
        let folder = tools_dir().join("ports");
        std::fs::create_dir_all(&folder)?;
        for _ in 0..1000 {
            let drawn = RandomState::new().hash_one(0);
            let width = u64::from(PORTS.end - PORTS.start);
            let number = PORTS.start + u16::try_from(drawn % width).unwrap_or(0);
            let lock = File::create(folder.join(number.to_string()))?;
            if lock.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no free port found on 127.0.0.1"))
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
