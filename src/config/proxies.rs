//! `server.trusted_proxies` and `server.forwarded_field`: who is trusted to name the client of a
//! request.

use std::net::IpAddr;

use ipnet::IpNet;
use lastcall_api::{ForwardedField, TrustedProxies};

use super::lists;
use super::reader::Reader;

/// The most networks that are compared with the address of a connection.
const MAX_NETWORKS: usize = 100;

pub(super) fn read(read: &mut Reader) -> TrustedProxies {
    let key = "server.trusted_proxies";
    let networks = read.parsed(key, "[]".to_owned(), Vec::new(), |value| {
        let networks = lists::texts(value)
            .filter(|texts| texts.len() <= MAX_NETWORKS)
            .and_then(|texts| texts.iter().map(|text| network(text)).collect());
        networks.ok_or_else(|| {
            format!(
                "a list of at most {MAX_NETWORKS} addresses and networks such as \"10.0.0.0/8\" or \"::1\""
            )
        })
    });
    let field = match read.choice("server.forwarded_field", &["x-forwarded-for", "forwarded"]) {
        "forwarded" => ForwardedField::Forwarded,
        _ => ForwardedField::XForwardedFor,
    };
    TrustedProxies { networks, field }
}

fn network(text: &str) -> Option<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(address)
}

#[cfg(test)]
mod tests {
    use super::network;

    #[test]
    fn a_network_is_an_address_with_or_without_its_length() {
        for good in ["10.0.0.0/8", "192.0.2.1", "::1", "fd00::/8"] {
            assert!(network(good).is_some(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "proxy", "10.0.0.1:80", "10.0"] {
            assert!(network(bad).is_none(), "{bad}");
        }
    }
}
