//! The client address of a request: the connected address or, if that is a trusted proxy, the
//! address that the proxy forwards.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The most proxies in a row that are followed.
const MAX_HOPS: usize = 16;

/// Which proxies are trusted, and which of their fields.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    /// Their addresses.
    pub networks: Vec<IpNet>,
    /// The field to read. Only the one that they all write may be trusted: the other one is passed
    /// on as the client sent it.
    pub field: ForwardedField,
}

/// The field in which a proxy names the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedField {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

impl TrustedProxies {
    /// The client of a request from `peer`: going backwards from there, the first address that is
    /// not a trusted proxy. Whatever the client itself sent comes after that.
    pub(crate) fn client(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer?.ip().to_canonical();
        if !self.trusts(client) {
            return Some(client);
        }
        let named = match self.field {
            ForwardedField::XForwardedFor => elements(headers, X_FORWARDED_FOR),
            ForwardedField::Forwarded => elements(headers, FORWARDED),
        };
        for element in named.into_iter().rev().take(MAX_HOPS) {
            let element = std::str::from_utf8(element).ok().map(str::trim);
            let node = match self.field {
                ForwardedField::XForwardedFor => element,
                ForwardedField::Forwarded => element.and_then(node_of),
            };
            // An obfuscated name hides the address: use the last known one.
            let Some(address) = node.and_then(parse_node) else {
                break;
            };
            client = address;
            if !self.trusts(client) {
                break;
            }
        }
        Some(client)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let mut networks = self.networks.iter();
        networks.any(|network| network.contains(&address))
    }
}

/// The elements of a list that may span several fields. Invalid text from a client must not hide
/// what a proxy has appended.
fn elements(headers: &HeaderMap, name: HeaderName) -> Vec<&[u8]> {
    let fields = headers.get_all(name);
    fields
        .flat_map(|field| field.as_bytes().split(|byte| *byte == b','))
        .collect()
}

/// The node of an element of `Forwarded`: `for=192.0.2.60;proto=https`.
fn node_of(element: &str) -> Option<&str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let is_node = name.trim().eq_ignore_ascii_case("for");
        is_node.then(|| value.trim().trim_matches('"'))
    })
}

/// `192.0.2.60`, `192.0.2.60:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn parse_node(node: &str) -> Option<IpAddr> {
    let bare = || node.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = node
        .parse()
        .ok()
        .or_else(|| {
            node.parse()
                .ok()
                .map(|with_port: SocketAddr| with_port.ip())
        })
        .or_else(bare);
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn client(field: ForwardedField, peer: &str, lines: &[&str]) -> String {
        let proxies = TrustedProxies {
            networks: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            field,
        };
        let name = match field {
            ForwardedField::XForwardedFor => X_FORWARDED_FOR,
            ForwardedField::Forwarded => FORWARDED,
        };
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(
                name.clone(),
                HeaderValue::from_bytes(line.as_bytes()).unwrap(),
            );
        }
        let found = proxies.client(Some(peer.parse().unwrap()), &headers);
        found.unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_name_the_client() {
        let client_of = |peer, lines: &[&str]| client(ForwardedField::XForwardedFor, peer, lines);
        assert_eq!(client_of("192.0.2.1:1", &["203.0.113.9"]), "192.0.2.1");
        assert_eq!(client_of("10.0.0.1:1", &[]), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1:1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            client_of("[::ffff:10.0.0.1]:1", &["203.0.113.9"]),
            "203.0.113.9"
        );
        // The client's own elements come before those that the proxies have added.
        let forged = "127.0.0.1, 203.0.113.9, 10.1.1.1";
        assert_eq!(client_of("10.0.0.1:1", &[forged]), "203.0.113.9");
        assert_eq!(
            client_of("10.0.0.1:1", &["127.0.0.1", "203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            client_of("10.0.0.1:1", &["\u{ff}, 203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            client_of("10.0.0.1:1", &["203.0.113.9, unknown"]),
            "10.0.0.1"
        );
        assert_eq!(
            client_of("10.0.0.1:1", &["1.1.1.1, , 10.2.2.2"]),
            "10.2.2.2"
        );
        let many = vec!["10.9.9.9"; 1000].join(",");
        assert_eq!(client_of("10.0.0.1:1", &[&many]), "10.9.9.9");
    }

    #[test]
    fn an_address_may_have_a_port_and_brackets() {
        let client_of = |line| client(ForwardedField::Forwarded, "[fd00::1]:1", &[line]);
        for (line, address) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("For=\"192.0.2.60:4711\"", "192.0.2.60"),
            ("for=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=192.0.2.43, for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=192.0.2.43;secret, proto=https", "fd00::1"),
            ("for=_hidden", "fd00::1"),
        ] {
            assert_eq!(client_of(line), address, "{line}");
        }
    }
}
