//! A socket and a body that tell the line how they get on. Else they are what they wrap.

use std::io::{Error, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::line::{Busy, Line};
use super::unsent::Part;

/// A client's socket.
pub(super) struct Socket {
    stream: TokioIo<TcpStream>,
    line: Arc<Line>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, line: Arc<Line>) -> Socket {
        Socket { stream: TokioIo::new(stream), line }
    }

    fn tell(&self, wrote: Poll<Result<usize, Error>>) -> Poll<Result<usize, Error>> {
        match &wrote {
            Poll::Ready(_) => self.line.sent(),
            Poll::Pending => self.line.full(),
        }
        wrote
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<Result<(), Error>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, into);
        if read.is_ready() {
            self.line.heard();
        }
        read
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.tell(wrote)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.tell(wrote)
    }
}

/// The body of an answer. Its request is under way until it is dropped.
pub(super) struct Answer<B> {
    body: B,
    part: Option<Part>,
    _busy: Busy,
}

impl<B> Answer<B> {
    /// A body, counted if it is a large one.
    pub(super) fn new(body: B, part: Option<Part>, busy: Busy) -> Answer<B> {
        Answer { body, part, _busy: busy }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if self.part.is_none() {
            return frame;
        }
        // A large answer is one page of bytes.
        frame.map_ok(|frame| match self.part.take() {
            Some(part) => frame.map_data(|bytes| part.of(bytes)),
            None => frame,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
