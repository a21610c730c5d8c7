//! Who is at the other end of a connection: the address that limits count, and what a device calls itself.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::{IpAddr, SocketAddr};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderMap, USER_AGENT};
use actix_web::{FromRequest, HttpRequest, web};

use crate::services::Services;

/// Longest name of a device that is kept, in characters.
const MAX_DEVICE: usize = 120;

/// The other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// What limits count by: an address of IPv4, or the network of one of IPv6, in which one line has all.
    pub network: String,
    /// What the device calls itself.
    pub device: String,
}

impl FromRequest for Client {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let trusting = request
            .app_data::<web::Data<Services>>()
            .is_some_and(|services| services.config.http.trust_forwarded_for);
        let address = address(request.headers(), request.peer_addr(), trusting);
        let device = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        let device = device.unwrap_or_default();
        let device = device.chars().filter(|letter| !letter.is_control()).take(MAX_DEVICE).collect();
        ready(Ok(Self { network: address.map_or_else(|| "unknown".to_owned(), network), device }))
    }
}

/// The address of the caller: of the header of the proxy where the operator says that it is to be believed, else of the
/// connection.
pub fn address(headers: &HeaderMap, peer: Option<SocketAddr>, trusting: bool) -> Option<IpAddr> {
    let forwarded =
        || headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).and_then(last_address);
    let forwarded = if trusting { forwarded() } else { None };
    forwarded.or_else(|| peer.map(|peer| peer.ip()))
}

/// The last one: those before it are what the client told the proxy.
fn last_address(list: &str) -> Option<IpAddr> {
    list.rsplit(',').next()?.trim().parse().ok()
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn the_header_of_a_proxy_counts_only_where_it_is_to_be_believed() {
        let seen = |list: &'static str, trusting| {
            let mut headers = HeaderMap::new();
            headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(list));
            address(&headers, "10.0.0.9:1000".parse().ok(), trusting).unwrap().to_string()
        };
        assert_eq!(seen("10.0.0.1, 192.0.2.7", true), "192.0.2.7");
        assert_eq!(seen("10.0.0.1, 192.0.2.7", false), "10.0.0.9");
        assert_eq!(seen("10.0.0.1, <script>", true), "10.0.0.9");
    }

    #[test]
    fn a_network_is_what_one_line_has() {
        let rows = [
            ("203.0.113.7", Some("203.0.113.7")),
            ("10.0.0.1, 203.0.113.7", Some("203.0.113.7")),
            ("::ffff:203.0.113.7", Some("203.0.113.7")),
            ("2001:db8:1:2:3:4:5:6", Some("2001:db8:1:2::/64")),
            ("203.0.113.7, unknown", None),
            ("", None),
        ];
        for (list, expected) in rows {
            assert_eq!(last_address(list).map(network).as_deref(), expected, "{list}");
        }
    }
}
