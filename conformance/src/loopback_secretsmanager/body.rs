//! The body of a reply: whole, or cut short.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::Frame;

use crate::loopback::Cut;

/// Some bytes, after which the connection may break.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Option<Bytes>,
    cut: bool,
    waited: bool,
}

impl Body {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { bytes: Some(bytes), cut: false, waited: false }
    }

    /// Half of the bytes, then the end of the connection.
    pub(super) fn half(bytes: &Bytes) -> Self {
        Self { bytes: Some(bytes.slice(..bytes.len() / 2)), cut: true, waited: false }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.bytes.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None if !self.cut => Poll::Ready(None),
            // A body that waits lets the connection send what it has; with the error at once it would be thrown away.
            None if !self.waited => {
                self.waited = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(Some(Err(Cut))),
        }
    }
}
