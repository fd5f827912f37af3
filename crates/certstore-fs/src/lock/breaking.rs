//! Taking a lock away from its holder, at an operator's word.
//!
//! A dead holder's lock file is removed. A living certstore holder is asked, by a file beside the guard file, and gives
//! the lock up within milliseconds; one that is stopped cannot, and keeps the lock until its process ends.

use std::io::{self, Write};
use std::time::Duration;

use certstore_core::{Error, ErrorKind, FencingToken, Result};
use rustix::fs::Mode;

use super::body::Body;
use super::dir::LocksDir;
use super::guard_file::{GuardFile, Reading, Record};
use super::names::Names;
use super::shared::Shared;
use super::takeover;
use crate::error::{BACKEND, io_error};

/// How long a living holder has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time between looks for its answer.
const LOOK: Duration = Duration::from_millis(50);

/// Breaks the lock of exactly this token.
pub(super) async fn break_lock(shared: &Shared, names: &Names, token: FencingToken) -> Result<()> {
    let dir = LocksDir::open(&shared.root).map_err(io_error)?;
    let untouched = dir.inode(&names.guard).and_then(|guard| Ok((guard, dir.inode(&names.lock)?)));
    if untouched.map_err(io_error)? == (None, None) {
        return Err(conflict("it is free"));
    }
    let mut guard = GuardFile::open(&dir, names).map_err(io_error)?;
    if guard.try_lock().map_err(io_error)? {
        return break_dead(shared, &dir, names, token);
    }
    match guard.read().map_err(io_error)? {
        Reading::Record(record) if record.held => {
            if record.token != token.0 {
                return Err(other_token(&record));
            }
            ask(shared, &dir, names, &mut guard, &record).await
        }
        _ => Err(conflict(
            "no certstore process holds it, and one waits for it; it will take over what is stale",
        )),
    }
}

/// Whether there is a request to break the lock of `token`.
pub(super) fn is_requested(dir: &LocksDir, names: &Names, token: FencingToken) -> io::Result<bool> {
    Ok(dir.read(&names.mark)?.is_some_and(|mark| mark.bytes == request(token)))
}

/// Removes what a dead holder has left, holding its guard file.
fn break_dead(shared: &Shared, dir: &LocksDir, names: &Names, token: FencingToken) -> Result<()> {
    let Some(found) = dir.read(&names.lock).map_err(io_error)? else {
        return Err(conflict("it is free"));
    };
    let body = Body::parse(&found.bytes);
    match body.token() {
        Some(held) if held != token => {
            return Err(conflict(format!("its last holder's token is {held}, not {token}")));
        }
        None if token != FencingToken(0) => {
            return Err(conflict(
                "its lock file has no token: it is a Go process's, broken by token 0 once it is stale",
            ));
        }
        None if !body.age(shared.clock.wall()).is_far() => {
            return Err(conflict(
                "a Go process has refreshed its lock file within the last ten seconds",
            ));
        }
        _ => {}
    }
    if takeover::steal(dir, names, &found, &*shared.random).map_err(io_error)? {
        Ok(())
    } else {
        Err(conflict("its lock file has changed since; look again"))
    }
}

/// Asks a living holder to give the lock up, and waits until it has.
async fn ask(
    shared: &Shared,
    dir: &LocksDir,
    names: &Names,
    guard: &mut GuardFile,
    holder: &Record,
) -> Result<()> {
    let token = FencingToken(holder.token);
    let events = shared.wake.subscribe(dir, &[&names.guard, &names.lock]);
    let mut request = Request::Open(Mark::write(shared, dir, names, token).map_err(io_error)?);
    let mut give_up = shared.clock.monotonic() + PATIENCE;
    loop {
        if has_ended(guard, token).map_err(io_error)? {
            return Ok(());
        }
        if guard.try_lock().map_err(io_error)? {
            // Given up or died since. Only the dead leave the record as it is.
            let ended = has_ended(guard, token).map_err(io_error)?;
            return if ended { Ok(()) } else { break_dead(shared, dir, names, token) };
        }
        if matches!(request, Request::TakenBack) {
            return Err(unanswered(holder));
        }
        if shared.clock.monotonic() >= give_up {
            request = match request {
                // One more look: it may have ended on its own just before.
                Request::Open(mark) => mark.decided().map_err(io_error)?,
                Request::Accepted | Request::TakenBack => return Err(unfinished(holder)),
            };
            give_up = shared.clock.monotonic() + PATIENCE;
            continue;
        }
        tokio::select! {
            () = events.changed() => {}
            () = shared.clock.sleep(LOOK) => {}
        }
    }
}

/// Whether the holder of `token` has given the lock up.
fn has_ended(guard: &GuardFile, token: FencingToken) -> io::Result<bool> {
    Ok(match guard.read()? {
        Reading::Record(record) => record.token != token.0 || !record.held,
        Reading::Nothing | Reading::Damaged => false,
    })
}

/// How far a request to break the lock has come. Whoever removes its file decides.
enum Request<'a> {
    /// Neither side has removed it, as far as is known.
    Open(Mark<'a>),
    /// The holder did: it gives the lock up as soon as it can.
    Accepted,
    /// We did: the holder keeps the lock.
    TakenBack,
}

/// The file of a request to break the lock; taken back when dropped.
struct Mark<'a> {
    dir: &'a LocksDir,
    names: &'a Names,
}

impl<'a> Mark<'a> {
    fn write(
        shared: &Shared,
        dir: &'a LocksDir,
        names: &'a Names,
        token: FencingToken,
    ) -> io::Result<Self> {
        let (temp, mut file) = dir.create_temp(&*shared.random, Mode::RUSR | Mode::WUSR)?;
        file.write_all(&request(token))?;
        dir.rename(&temp.name, &names.mark)?;
        Ok(Self { dir, names })
    }
}

impl Mark<'_> {
    /// Takes the request back, if the holder has not accepted it.
    fn decided(self) -> io::Result<Request<'static>> {
        let removed = self.dir.remove(&self.names.mark)?;
        Ok(if removed { Request::TakenBack } else { Request::Accepted })
    }
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        // Left behind, it names a token that never comes again, and is swept when it is old.
        let _ = self.dir.remove(&self.names.mark);
    }
}

fn request(token: FencingToken) -> Vec<u8> {
    format!("{token}\n").into_bytes()
}

fn other_token(holder: &Record) -> Error {
    conflict(format!("its holder ({}) has the token {}", holder.holder(), holder.token))
}

fn unanswered(holder: &Record) -> Error {
    let who = holder.holder();
    Error::new(
        ErrorKind::Unavailable,
        format!("its holder ({who}) lives and does not answer; end that process, and the lock is free at once"),
    )
    .with_backend(BACKEND)
}

fn unfinished(holder: &Record) -> Error {
    let who = holder.holder();
    Error::new(
        ErrorKind::Unavailable,
        format!("its holder ({who}) has taken the request and not ended yet; look at the locks again shortly"),
    )
    .with_backend(BACKEND)
    .with_may_have_applied(true)
}

fn conflict(why: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Conflict, why).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "breaking_tests.rs"]
mod tests;
