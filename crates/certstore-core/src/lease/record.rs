//! The record that a register holds for each lock.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{Error, ErrorKind, FencingToken, Result};

/// Whether somebody holds the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody does.
    Free,
    /// The owner does, unless its lease has run out.
    Held,
}

/// Who holds a lock, for people. Never compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Host, process id, program.
    pub name: String,
    /// When it was acquired, by the holder's wall clock.
    pub created: SystemTime,
    /// When it was last written, by the holder's wall clock.
    pub updated: SystemTime,
}

/// What a register holds for one lock.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The lock's name, since a backend may keep the record under a digest of it.
    pub name: String,
    /// Whether it is held.
    pub state: State,
    /// A nonce per acquisition.
    pub owner: u128,
    /// A nonce per write: makes every body unique, and lets a writer recognise its own write after a lost reply.
    pub write: u128,
    /// The token of the acquisition.
    pub token: u64,
    /// How many tokens from `token` on belong to this acquisition: one for each local hand-over.
    pub span: u32,
    /// Counts the writes of one acquisition.
    pub seq: u64,
    /// The holder's lease.
    pub lease: Duration,
    /// For people.
    pub holder: Holder,
}

impl Record {
    /// The first token that the next acquisition may have: above all tokens of this one.
    #[must_use]
    pub fn next_token(&self) -> u64 {
        self.token.saturating_add(u64::from(self.span.max(1)))
    }

    /// Whether `token` belongs to this acquisition.
    #[must_use]
    pub fn covers(&self, token: FencingToken) -> bool {
        (self.token..self.next_token()).contains(&token.0)
    }

    /// The record as text, a field a line. Stable: other versions of this crate read it.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::from("certstore-lock 1\n");
        let state = match self.state {
            State::Free => "free",
            State::Held => "held",
        };
        let fields: [(&str, &dyn std::fmt::Display); 11] = [
            ("name", &escape(&self.name)),
            ("state", &state),
            ("owner", &format_args!("{:032x}", self.owner)),
            ("write", &format_args!("{:032x}", self.write)),
            ("token", &self.token),
            ("span", &self.span),
            ("seq", &self.seq),
            ("lease_ms", &self.lease.as_millis()),
            ("created_us", &micros(self.holder.created)),
            ("updated_us", &micros(self.holder.updated)),
            ("holder", &escape(&self.holder.name)),
        ];
        for (name, value) in fields {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name} {value}");
        }
        text
    }

    /// Reads what [`encode`](Self::encode) wrote. Unknown fields are passed over.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`], naming the field that is missing or damaged.
    pub fn decode(text: &str) -> Result<Self> {
        let mut lines = text.lines();
        if lines.next() != Some("certstore-lock 1") {
            return Err(corrupt("its first line is not \"certstore-lock 1\""));
        }
        let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(' ')).collect();
        let field = |name: &str| {
            let found = fields.iter().find(|(key, _)| *key == name);
            found
                .map(|(_, value)| *value)
                .ok_or_else(|| corrupt(&format!("the field {name} is missing")))
        };
        let number = |name: &str| {
            let value = field(name)?;
            value.parse::<u64>().map_err(|_| corrupt(&format!("the field {name} is no number")))
        };
        let nonce = |name: &str| {
            let value = field(name)?;
            u128::from_str_radix(value, 16)
                .map_err(|_| corrupt(&format!("the field {name} is no nonce")))
        };
        Ok(Self {
            name: unescape(field("name")?),
            state: match field("state")? {
                "free" => State::Free,
                "held" => State::Held,
                _ => return Err(corrupt("the field state is neither free nor held")),
            },
            owner: nonce("owner")?,
            write: nonce("write")?,
            token: number("token")?,
            span: u32::try_from(number("span")?)
                .map_err(|_| corrupt("the field span is too large"))?,
            seq: number("seq")?,
            lease: Duration::from_millis(number("lease_ms")?),
            holder: Holder {
                name: unescape(field("holder")?),
                created: UNIX_EPOCH + Duration::from_micros(number("created_us")?),
                updated: UNIX_EPOCH + Duration::from_micros(number("updated_us")?),
            },
        })
    }
}

/// Keeps a text on its line.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            plain => plain,
        });
    }
    plain
}

/// Microseconds since 1970; 0 before it.
pub(crate) fn micros(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("the lock record is damaged: {what}"))
}

/// This process in words: host, process id, program.
pub fn this_process() -> &'static str {
    static NAME: LazyLock<String> = LazyLock::new(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        let host = host
            .or_else(|| std::env::var("HOSTNAME").ok())
            .unwrap_or_else(|| "unknown host".into());
        let program = std::env::current_exe().ok();
        let program = program.as_deref().and_then(|path| path.file_name()).unwrap_or_default();
        format!("{} pid {} {}", host.trim(), std::process::id(), program.to_string_lossy())
    });
    &NAME
}
