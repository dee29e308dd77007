//! May a response be stored (RFC 9111 §3)?

use super::control::Control;
use super::freshness;
use super::vary::Selector;
use crate::http::{Request, Response};
use std::time::SystemTime;

/// May a shared cache store this response to this request, and is it of any use?
pub fn may_store(request: &Request, response: &Response, received: SystemTime) -> bool {
    false // step 7: may store
}

/// RFC 9111 §3, §5.2.2.3: parts of a representation (206) are not put together here, and a 304 is
/// none; `must-understand` forbids what is not understood, and allows what `no-store` forbids.
fn may_store_status(status: u16, control: &Control) -> bool {
    todo!("step 7: may store status")
}

/// RFC 9111 §3.5: what one client had to authorize itself for is for it alone, unless the response
/// says otherwise.
fn is_for_all(control: &Control) -> bool {
    true // step 10: is for all
}

/// Statuses whose responses may be used again though they do not say for how long (RFC 9110 §15.1).
fn is_reusable(status: u16) -> bool {
    matches!(
        status,
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Statuses whose rules for caches are kept here: those of RFC 9110, but for 206 and 304.
fn is_understood(status: u16) -> bool {
    matches!(
        status,
        200..=205 | 300..=303 | 305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::http::Fields;

    pub fn stored(status: u16, control: &str) -> bool {
        let fields = Fields::from([("Cache-Control", control)]);
        let response = Response::with(status, fields);
        may_store(&Request::with("GET", []), &response, UNIX_EPOCH)
    }
}

#[cfg(test)]
mod step7 {
    use std::time::UNIX_EPOCH;

    use super::tests::stored;
    use super::*;

    #[test]
    fn explicit_freshness_is_stored_with_any_final_status() {
        for status in [200, 203, 204, 299, 302, 404, 410, 499, 500, 503, 599] {
            assert!(stored(status, "max-age=60"), "{status}");
        }
        for status in [206, 304] {
            assert!(!stored(status, "max-age=60"), "{status}");
        }
    }

    #[test]
    fn no_store_and_private_forbid() {
        for control in [
            "no-store",
            "max-age=60, No-Store",
            "private, max-age=60",
            "private=\"a\", max-age=60",
        ] {
            assert!(!stored(200, control), "{control}");
        }
        let fresh = Response::with(200, [("Cache-Control", "max-age=60")].into());
        let asked = Request::with("GET", [("Cache-Control", "no-store")]);
        assert!(!may_store(&asked, &fresh, UNIX_EPOCH));
    }

    #[test]
    fn only_answers_to_get_are_stored() {
        let fresh = Response::with(200, [("Cache-Control", "max-age=60")].into());
        for method in ["HEAD", "POST", "get"] {
            assert!(!may_store(&Request::with(method, []), &fresh, UNIX_EPOCH));
        }
    }

    #[test]
    fn without_freshness_a_validator_is_needed() {
        let with = |status, name| {
            let response = Response::with(status, [(name, "x")].into());
            may_store(&Request::with("GET", []), &response, UNIX_EPOCH)
        };
        assert!(with(200, "ETag"));
        assert!(with(404, "Last-Modified"));
        assert!(!with(200, "X"));
        assert!(!with(500, "ETag"));
        assert!(with(500, "Expires"));
    }
}

#[cfg(test)]
mod step10 {
    use std::time::UNIX_EPOCH;

    use super::tests::stored;
    use super::*;

    #[test]
    fn what_needs_authorization_is_stored_only_if_it_is_for_all() {
        let authorized = Request::with("GET", [("Authorization", "Basic x")]);
        let stored = |control: &str| {
            let response = Response::with(200, [("Cache-Control", control)].into());
            may_store(&authorized, &response, UNIX_EPOCH)
        };
        assert!(!stored("max-age=60"));
        for control in [
            "max-age=60, public",
            "max-age=60, must-revalidate",
            "s-maxage=60",
        ] {
            assert!(stored(control), "{control}");
        }
    }

    #[test]
    fn must_understand_forbids_what_is_unknown_and_allows_what_no_store_forbids() {
        assert!(stored(200, "max-age=60, no-store, must-understand"));
        assert!(!stored(599, "max-age=60, no-store, must-understand"));
        assert!(!stored(599, "max-age=60, must-understand"));
    }
}
