//! What a proxy changes in the fields it passes on (RFC 9110 §7.6).

use super::{Fields, Version};

/// Fields that are for the next hop alone (RFC 9110 §7.6.1), and those by which a client and a proxy
/// know each other (RFC 9110 §11.7), which nobody behind this proxy has any use for.
const HOP_BY_HOP: [&str; 11] = [
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authentication-Info",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "HTTP2-Settings",
];

/// Removes the hop-by-hop fields, and those that `Connection` names.
pub fn strip(fields: &mut Fields) {
    fields.remove("Connection"); // step 3: strip
}

/// Says that the message came this way (RFC 9110 §7.6.3): in which version, and to whom.
pub fn add_via(fields: &mut Fields, version: Version, pseudonym: &str) {
    // step 3: add via
}

/// Has the message come this way before?
pub fn is_loop(fields: &Fields, pseudonym: &str) -> bool {
    false // step 3: is loop
}

/// Counts `Max-Forwards` down (RFC 9110 §7.6.2). False if the request must not go any further.
pub fn may_go_on(method: &str, fields: &mut Fields) -> bool {
    true // step 3: may go on
}

#[cfg(test)]
mod step3 {
    use super::*;

    #[test]
    fn hop_by_hop_fields_and_those_that_connection_names_go() {
        let mut fields = Fields::from([
            ("A", "1"),
            ("Connection", "x-foo, close"),
            ("X-Foo", "1"),
            ("x-foo", "2"),
            ("X-Bar", "1"),
            ("connection", "TE"),
            ("TE", "trailers"),
            ("Keep-Alive", "5"),
            ("Proxy-Connection", "keep-alive"),
            ("Upgrade", "h2c"),
            ("A", "2"),
        ]);
        strip(&mut fields);
        assert_eq!(
            fields,
            Fields::from([("A", "1"), ("X-Bar", "1"), ("A", "2")])
        );
    }

    #[test]
    fn via_grows_at_its_end() {
        let mut fields = Fields::from([("Via", "1.0 first (Apache, they say)")]);
        add_via(&mut fields, Version::Http11, "me");
        let via: Vec<_> = fields.all("Via").collect();
        assert_eq!(via, ["1.0 first (Apache, they say)", "1.1 me"]);
        assert!(is_loop(&fields, "me"));
        assert!(is_loop(&fields, "first"));
        assert!(!is_loop(&fields, "other"));
    }

    #[test]
    fn max_forwards_counts_down_to_zero() {
        let mut fields = Fields::from([("Max-Forwards", "1")]);
        assert!(may_go_on("GET", &mut fields));
        assert!(may_go_on("TRACE", &mut fields));
        assert_eq!(fields.get("Max-Forwards"), Some("0"));
        assert!(!may_go_on("OPTIONS", &mut fields));
    }
}
