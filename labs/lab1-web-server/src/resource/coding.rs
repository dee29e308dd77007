//! Which form of a file a client prefers: as it is, or its neighbour `.gz` (RFC 9110 §12.5.3).

use crate::http::Fields;

/// Would the client rather have gzip than the plain octets?
pub fn takes_gzip(fields: &Fields) -> bool {
    todo!("step 13: takes gzip")
}

/// The weight of a member, `gzip;q=0.5` (RFC 9110 §12.4.2); 1 when it has none, 0 when it has a
/// broken one.
fn weight(member: &str) -> f32 {
    todo!("step 13: weight")
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
