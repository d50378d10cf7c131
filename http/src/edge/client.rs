//! Who a client is, as far as counting goes: its address, or the one that a trusted proxy names.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use warp::http::{HeaderMap, HeaderName};

use super::limits::FORWARDERS_MAX;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A client. Whoever has an IPv6 address has 2^64 of them, so those count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client(u128);

impl From<IpAddr> for Client {
    fn from(address: IpAddr) -> Client {
        Client(match address.to_canonical() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits() & !u128::from(u64::MAX),
        })
    }
}

/// An address, or a block of them such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    bits: u128,
    mask: u128,
}

/// An address as a number; IPv4 as its part of IPv6.
fn bits(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl Net {
    /// Whether this address is one of them.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.bits
    }
}

impl FromStr for Net {
    type Err = String;

    fn from_str(text: &str) -> Result<Net, String> {
        let wrong =
            || format!("\"{text}\" is neither an address nor a block such as \"10.0.0.0/8\"");
        let (address, length) = match text.trim().split_once('/') {
            None => (text.trim(), None),
            Some((address, length)) => (address, Some(length.parse::<u32>().map_err(|_| wrong())?)),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { Ipv6Addr::BITS };
        let length = length.unwrap_or(width);
        let rest = width.checked_sub(length).ok_or_else(wrong)?;
        let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
        let bits = bits(address);
        if bits & mask != bits {
            return Err(format!("\"{text}\" says more than its first {length} bits"));
        }
        Ok(Net { bits, mask })
    }
}

/// The address a request comes from: the peer's, or, if that is a trusted proxy, the last one in
/// `X-Forwarded-For` that is none. What stands further left anybody may have written.
#[must_use]
pub fn of(peer: IpAddr, headers: &HeaderMap, trusted: &[Net]) -> IpAddr {
    let is_trusted = |address| trusted.iter().any(|net| net.has(address));
    if !is_trusted(peer) {
        return peer;
    }
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    let mut last = peer;
    for entry in entries.take(FORWARDERS_MAX) {
        // A trusted proxy that writes nonsense answers for it itself.
        let Some(address) = address(entry) else { return last };
        last = address;
        if !is_trusted(address) {
            return address;
        }
    }
    last
}

/// An entry: an address, perhaps with a port, IPv6 perhaps in brackets.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let whole = bare.parse().ok();
    whole.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use warp::http::HeaderValue;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn reads_addresses_and_blocks() {
        for (net, inside, outside) in [
            ("10.0.0.0/8", "10.9.9.9", "11.0.0.0"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("0.0.0.0/0", "9.9.9.9", "2001:db8::1"),
            ("fd00::/8", "fdff::1", "fe00::1"),
            ("10.0.0.0/8", "::ffff:10.1.1.1", "::ffff:11.1.1.1"),
            ("::1", "::1", "::2"),
        ] {
            let net: Net = net.parse().unwrap();
            assert!(net.has(ip(inside)), "{inside} is in {net:?}");
            assert!(!net.has(ip(outside)), "{outside} is not in {net:?}");
        }
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "::/129", "10.0.0/8"] {
            let error = wrong.parse::<Net>().unwrap_err();
            assert!(error.contains(&format!("\"{wrong}\"")), "{error}");
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let client = |text| Client::from(ip(text));
        assert_eq!(client("2001:db8::1"), client("2001:db8::ffff:2"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("10.0.0.1"), client("::ffff:10.0.0.1"));
        assert_ne!(client("10.0.0.1"), client("10.0.0.2"));
        assert_ne!(client("::1"), client("0.0.0.1"));
    }

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        let trusted: Vec<Net> = ["10.0.0.0/8", "::1"].map(|net| net.parse().unwrap()).into();
        let from = |peer: &str, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
            }
            of(ip(peer), &headers, &trusted)
        };
        assert_eq!(from("9.9.9.9", &["1.1.1.1"]), ip("9.9.9.9"));
        assert_eq!(from("10.0.0.1", &[]), ip("10.0.0.1"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 2.2.2.2"]), ip("2.2.2.2"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 2.2.2.2, 10.0.0.2"]), ip("2.2.2.2"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 2.2.2.2", "10.0.0.2"]), ip("2.2.2.2"));
        assert_eq!(from("10.0.0.1", &["10.0.0.3,10.0.0.2"]), ip("10.0.0.3"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1, unknown, 10.0.0.2"]), ip("10.0.0.2"));
        assert_eq!(from("::1", &["2.2.2.2:80"]), ip("2.2.2.2"));
        assert_eq!(from("::1", &["[2001:db8::1]:80"]), ip("2001:db8::1"));
        assert_eq!(from("::1", &["[2001:db8::1]"]), ip("2001:db8::1"));
        assert_eq!(from("::1", &["1.1.1.1,\"]"]), ip("::1"));
    }
}
