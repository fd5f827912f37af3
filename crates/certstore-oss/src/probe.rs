//! Trying out the store: whether it appends only where it should, and tells the truth of it.

use bytes::Bytes;
use certstore_core::{Error, ErrorKind, OsRandom, Random as _, Result};

use crate::bucket::{Appended, Bucket, Done};
use crate::crc64::extend;
use crate::names::Names;

/// What the store does wrong, if anything.
pub(crate) type Verdict = std::result::Result<(), &'static str>;

const FIRST: &[u8] = b"first";
const SECOND: &[u8] = b"second";

/// Six small requests on an object that is then removed.
///
/// # Errors
/// When the store could not be asked.
pub(crate) async fn run(bucket: &Bucket, names: &Names) -> Result<Verdict> {
    let object = format!("{}log", names.objects.probe(OsRandom.next_u128()));
    let found = appends(bucket, &object).await;
    if let Err(error) = bucket.delete(&object).await {
        tracing::warn!(object, %error, "what the probe has written is left in the bucket");
    }
    found
}

async fn appends(bucket: &Bucket, object: &str) -> Result<Verdict> {
    let position = FIRST.len() as u64;
    // A log that does not exist has no byte to append behind.
    if append(bucket, object, 1, FIRST).await?.is_ok_and(|done| done.is_some()) {
        return Ok(Err("it appends to an object that is not there at a position that is not 0"));
    }
    let first = match append(bucket, object, 0, FIRST).await? {
        Err(fault) => return Ok(Err(fault)),
        Ok(None) => return Ok(Err("it does not begin an object by an append at 0")),
        Ok(Some(first)) => first,
    };
    for wrong in [0, position + 1] {
        if append(bucket, object, wrong, SECOND).await?.is_ok_and(|done| done.is_some()) {
            return Ok(Err("it appends at any position, so two can hold a lock"));
        }
    }
    let second = match append(bucket, object, position, SECOND).await? {
        Ok(Some(second)) => second,
        _ => return Ok(Err("it does not append at the end of an object")),
    };
    let sums = [extend(0, FIRST), extend(extend(0, FIRST), SECOND)];
    let honest = [first, second]
        .iter()
        .zip(sums)
        .all(|(done, sum)| done.checksum.is_none_or(|told| told == sum));
    Ok(if honest { Ok(()) } else { Err("the checksums that it tells are wrong") })
}

/// `None`: refused because of the position. The inner error: the store has no appends.
async fn append(
    bucket: &Bucket,
    object: &str,
    position: u64,
    body: &'static [u8],
) -> Result<std::result::Result<Option<Appended>, &'static str>> {
    match bucket.append(object, position, Bytes::from_static(body)).await {
        Ok(Done::Yes(appended)) => Ok(Ok(Some(appended))),
        Ok(Done::No(_)) => Ok(Ok(None)),
        Err(error) if is_refusal(&error) => Ok(Err("it has no AppendObject")),
        Err(error) => Err(error),
    }
}

/// Neither passing trouble nor missing rights.
fn is_refusal(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported
}
