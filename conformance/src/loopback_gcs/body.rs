//! Bodies of replies: frames, with trailers for gRPC, and cut ones.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame, SizeHint};

use crate::loopback::Cut;

/// What is sent.
#[derive(Debug)]
enum Part {
    Data(Bytes),
    Trailers(HeaderMap),
    /// Lets the connection send what it has; with the cut at once it would be thrown away.
    Wait,
    Cut,
}

/// The body of a reply.
#[derive(Debug, Default)]
pub(super) struct Frames(VecDeque<Part>);

impl Frames {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { VecDeque::new() } else { [Part::Data(bytes)].into() })
    }

    pub(super) fn with_trailers(bytes: Bytes, trailers: HeaderMap) -> Self {
        Self([Part::Data(bytes), Part::Trailers(trailers)].into())
    }

    /// The first half of `bytes`, then the end of the connection.
    pub(super) fn half(bytes: &Bytes) -> Self {
        Self([Part::Data(bytes.slice(..bytes.len() / 2)), Part::Wait, Part::Cut].into())
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.0.pop_front() {
            None => Poll::Ready(None),
            Some(Part::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Part::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Part::Cut) => Poll::Ready(Some(Err(Cut))),
            Some(Part::Wait) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.0.front() {
            None => SizeHint::with_exact(0),
            Some(Part::Data(bytes)) if self.0.len() == 1 => {
                SizeHint::with_exact(bytes.len() as u64)
            }
            Some(_) => SizeHint::default(),
        }
    }
}
