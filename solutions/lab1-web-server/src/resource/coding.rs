//! Which form of a file a client prefers: as it is, or its neighbour `.gz` (RFC 9110 §12.5.3).

use crate::http::Fields;

/// Would the client rather have gzip than the plain octets?
pub fn takes_gzip(fields: &Fields) -> bool {
    // ANCHOR: step13_takes_gzip
    let weight_of = |names: &[&str]| {
        let named = |member: &&str| {
            let name = member.split(';').next().unwrap_or(member).trim();
            names.iter().any(|it| it.eq_ignore_ascii_case(name))
        };
        fields.list("Accept-Encoding").find(named).map(weight)
    };
    // RFC 9110 §8.4.1.3: x-gzip is the same; `*` is every coding that is not listed.
    let gzip = weight_of(&["gzip", "x-gzip"])
        .or_else(|| weight_of(&["*"]))
        .unwrap_or(0.0);
    let identity = weight_of(&["identity"]).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity
    // ANCHOR_END: step13_takes_gzip
}

/// The weight of a member, `gzip;q=0.5` (RFC 9110 §12.4.2); 1 when it has none, 0 when it has a
/// broken one.
fn weight(member: &str) -> f32 {
    // ANCHOR: step13_weight
    let mut parameters = member
        .split(';')
        .skip(1)
        .filter_map(|it| it.split_once('='));
    match parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("q")) {
        Some((_, weight)) => weight.trim().parse().unwrap_or(0.0),
        None => 1.0,
    }
    // ANCHOR_END: step13_weight
}

#[cfg(test)]
mod step13 {
    use super::*;

    fn takes(value: &str) -> bool {
        takes_gzip(&Fields::from(&[("Accept-Encoding", value)][..]))
    }

    #[test]
    fn gzip_is_for_those_who_want_it() {
        assert!(!takes_gzip(&Fields::default()));
        assert!(
            takes("gzip") && takes("deflate, X-GZIP;q=0.1") && takes("*") && takes("br, *;q=0.5")
        );
        assert!(!takes("") && !takes("br") && !takes("gzip;q=0") && !takes("gzip; Q=0.000, *"));
        assert!(!takes("identity, gzip;q=0.5") && takes("identity;q=0.5, gzip"));
    }
}
