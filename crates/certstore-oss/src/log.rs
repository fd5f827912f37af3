//! What a lock's log says: the record that its last accepted frame holds.
//!
//! A frame counts only as the successor of the last one that counts. One that a writer sent for a log which was deleted,
//! and that landed on another of the same length, is nobody's successor: it is passed over, and changes nothing. With
//! the whole log at hand that is told by the nonces: a frame names the record before. With only the end of it, it is told
//! by the checksums: a frame names that of all that was before, and the server that of all there is.

use certstore_core::{Error, ErrorKind, Result};

use crate::bucket::Object;
use crate::crc64::extend;
use crate::error::BACKEND;
use crate::frame::{BLOCK, Frame};

/// Where a log ends, and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// The length of the log.
    pub(crate) position: u64,
    /// CRC-64 of the whole log.
    pub(crate) checksum: u64,
    /// The last frame that counts.
    pub(crate) last: Frame,
}

/// Reads the end of a log, or all of it. `None`: the part that was read does not tell.
///
/// # Errors
/// [`ErrorKind::Corrupt`]: it is no log, or damaged.
pub(crate) fn end(object: &Object) -> Result<Option<End>> {
    let (body, position) = (&object.body[..], object.head.size);
    if !object.head.appendable {
        return Err(corrupt("it was not made by appending; another program has written it"));
    }
    let whole = body.len() as u64 == position;
    if !position.is_multiple_of(BLOCK as u64) || !body.len().is_multiple_of(BLOCK) {
        return Err(corrupt("its length is none that a log has"));
    }
    let frames = frames(body, whole)?;
    if whole {
        let checksum = extend(0, body);
        let last = by_nonces(frames.into_iter().map(|(_, frame)| frame));
        return Ok(last.map(|last| End { position, checksum, last }));
    }
    let Some(checksum) = object.head.checksum else { return Ok(None) };
    let last = by_checksums(body, frames, checksum);
    Ok(last.map(|last| End { position, checksum, last }))
}

/// The frames with where they begin. Of a part of a log, what comes before the first whole frame is left out.
fn frames(body: &[u8], whole: bool) -> Result<Vec<(usize, Frame)>> {
    let mut at = 0;
    if !whole {
        while at < body.len() && Frame::decode(&body[at..]).is_none() {
            at += BLOCK;
        }
    }
    let mut frames = Vec::new();
    while at < body.len() {
        let (frame, length) =
            Frame::decode(&body[at..]).ok_or_else(|| corrupt("it has bytes that are no record"))?;
        frames.push((at, frame));
        at += length;
    }
    Ok(frames)
}

/// The first frame of a log counts, then each that names the one before. Behind one that ends the log none does.
fn by_nonces(frames: impl Iterator<Item = Frame>) -> Option<Frame> {
    let mut last: Option<Frame> = None;
    for frame in frames {
        let counts =
            last.as_ref().is_none_or(|last| last.next.is_none() && frame.prev == last.record.write);
        if counts {
            last = Some(frame);
        }
    }
    last
}

/// The last frame that, with what it says was before it and what stands behind it, gives the checksum of the whole.
fn by_checksums(body: &[u8], frames: Vec<(usize, Frame)>, checksum: u64) -> Option<Frame> {
    let mut newest = frames.into_iter().rev();
    newest
        .find(|(at, frame)| extend(frame.before, &body[*at..]) == checksum)
        .map(|(_, frame)| frame)
}

pub(crate) fn corrupt(what: &str) -> Error {
    let message =
        format!("the lock's log cannot be read: {what}; delete it once nobody holds the lock");
    Error::new(ErrorKind::Corrupt, message).with_backend(BACKEND)
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
