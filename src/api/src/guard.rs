//! Protects a service without keys from other origins in a browser, and from DNS rebinding.

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header;

use crate::config::ApiConfig;
use crate::cors;
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// Checks a request.
///
/// # Errors
/// `misdirected_request` and `cross_origin`.
pub(crate) fn check(config: &ApiConfig, request: &RequestHead) -> ApiResult<()> {
    if !config.loopback_only {
        return Ok(());
    }
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    // Browsers always send a host.
    let Some(host) = host else { return Ok(()) };
    if !is_loopback(host) {
        return Err(Problem::new(
            Code::MisdirectedRequest,
            format!("a service without keys answers to the names of its own machine, not {host:?}"),
        ));
    }
    if matches!(request.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let origin = request
        .headers()
        .get(header::ORIGIN)
        .and_then(|origin| origin.to_str().ok());
    match origin {
        Some(origin) if authority(origin) != Some(host) && !cors::allows(config, origin) => {
            Err(Problem::new(
                Code::CrossOrigin,
                format!("a page of {origin:?} may not use a service without keys"),
            ))
        }
        _ => Ok(()),
    }
}

fn authority(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

/// Whether a `Host` names this machine.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.');
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_names_of_the_machine_itself_are_loopback() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.8.9.1:80",
            "[::1]:8080",
            "app.localhost:3000",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.example.com:80",
            "10.0.0.1",
            "",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
