//! The body of a reply: whole, or broken off in the middle.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::loopback::Cut;

/// Bytes, after which the connection may break.
#[derive(Debug, Default)]
pub(super) struct ReplyBody {
    bytes: Bytes,
    cut: bool,
    waited: bool,
}

impl ReplyBody {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { bytes, cut: false, waited: false }
    }

    /// The connection breaks behind the bytes.
    pub(super) fn cut(bytes: Bytes) -> Self {
        Self { bytes, cut: true, waited: false }
    }

    pub(super) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if !self.bytes.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.bytes)))));
        }
        if !self.cut {
            return Poll::Ready(None);
        }
        // A body that waits lets the connection send what it has; with the error at once it would be thrown away.
        if !std::mem::replace(&mut self.waited, true) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(Cut)))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_empty() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        if self.cut {
            return SizeHint::default();
        }
        SizeHint::with_exact(self.bytes.len() as u64)
    }
}
