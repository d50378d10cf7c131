//! The head of an answer: its status, and how the end of its body is known.

use super::WireError;

/// The most headers of one answer; the server sends about five.
pub(super) const HEADERS_MAX: usize = 48;

/// The parsed head of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// How many bytes the head takes; the body begins there.
    pub(super) bytes: usize,
    pub(super) framing: Framing,
    /// Whether the server closes the connection after this answer.
    pub(super) closes: bool,
    /// Seconds after which it is worth asking again, if the answer says so.
    pub(super) retry_after: Option<u32>,
}

/// How the end of a body is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

/// Parses the head of an answer; `None` while it is incomplete.
pub(super) fn parse_head(bytes: &[u8]) -> Result<Option<Head>, WireError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
    let status = response.code.ok_or(WireError::Malformed(httparse::Error::Status))?;
    let mut framing = matches!(status, 204 | 304).then_some(Framing::Length(0));
    let mut closes = response.version == Some(0);
    let mut retry_after = None;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            framing = framing.or(parse_length(header.value).map(Framing::Length));
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            framing = header.value.eq_ignore_ascii_case(b"chunked").then_some(Framing::Chunked);
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes |= header.value.eq_ignore_ascii_case(b"close");
        } else if header.name.eq_ignore_ascii_case("retry-after") {
            retry_after = std::str::from_utf8(header.value).ok().and_then(|it| it.parse().ok());
        }
    }
    let framing = framing.ok_or(WireError::Unframed { status })?;
    Ok(Some(Head { status, bytes: head, framing, closes, retry_after }))
}

fn parse_length(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(head: &str) -> Result<Option<Framing>, WireError> {
        Ok(parse_head(head.as_bytes())?.map(|head| head.framing))
    }

    #[test]
    fn what_is_said_about_coming_back_is_read() {
        let head = |line: &str| {
            let head = format!("HTTP/1.1 503 No\r\ncontent-length: 0\r\n{line}\r\n");
            parse_head(head.as_bytes()).unwrap().unwrap().retry_after
        };
        assert_eq!(head("Retry-After: 2\r\n"), Some(2));
        assert_eq!((head(""), head("retry-after: soon\r\n")), (None, None));
    }

    #[test]
    fn the_end_of_a_body_is_known_or_refused() {
        let ok = "HTTP/1.1 200 OK\r\n";
        let length = framing(&format!("{ok}Content-Length: 12\r\n\r\n")).unwrap();
        assert_eq!(length, Some(Framing::Length(12)));
        let chunked = format!("{ok}Transfer-Encoding: chunked\r\ncontent-length: 3\r\n\r\n");
        assert_eq!(framing(&chunked).unwrap(), Some(Framing::Chunked), "chunks win, in any order");
        let chunked = format!("{ok}content-length: 3\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_eq!(framing(&chunked).unwrap(), Some(Framing::Chunked));
        assert_eq!(framing("HTTP/1.1 204 No\r\n\r\n").unwrap(), Some(Framing::Length(0)));
        assert_eq!(framing("HTTP/1.1 200 OK\r\ncontent-le").unwrap(), None, "incomplete");
        let unknown = framing(&format!("{ok}content-length: many\r\n\r\n"));
        assert!(matches!(unknown, Err(WireError::Unframed { status: 200 })), "{unknown:?}");
        assert!(matches!(framing("SMTP\r\n\r\n"), Err(WireError::Malformed(_))));
    }
}
