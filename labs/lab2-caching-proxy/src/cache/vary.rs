//! Which requests a stored response answers, when `Vary` says that the target is not all that
//! matters (RFC 9111 §4.1).

use crate::http::Fields;

/// The names of the request fields that `Vary` says a response depends on: lower case, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selector(Vec<String>);

impl Selector {
    /// Reads `Vary`. `None` if nothing in a request can tell: `*`.
    pub fn new(response: &Fields) -> Option<Selector> {
        Some(Selector::default()) // step 10: selector
    }

    /// What a request says in these fields, in one spelling: equal for requests that one response
    /// answers, and different for others.
    pub fn select(&self, request: &Fields) -> String {
        String::new() // step 10: select
    }
}

/// All lines of that name as one. White space around commas means nothing, unless it is quoted.
fn one_spelling(request: &Fields, name: &str) -> String {
    todo!("step 10: one spelling")
}

#[cfg(test)]
mod step10 {
    use super::*;

    fn same(vary: &str, one: &[(&str, &str)], other: &[(&str, &str)]) -> bool {
        let selector = Selector::new(&[("Vary", vary)].into()).unwrap();
        let select = |lines: &[(&str, &str)]| {
            let mut request = Fields::default();
            for &(name, value) in lines {
                request.push(name, value);
            }
            selector.select(&request)
        };
        select(one) == select(other)
    }

    #[test]
    fn the_named_fields_decide_and_no_others() {
        assert!(same(
            "Foo",
            &[("Foo", "1"), ("Bar", "1")],
            &[("foo", "1"), ("Bar", "2")]
        ));
        assert!(!same("Foo", &[("Foo", "1")], &[("Foo", "2")]));
        assert!(!same(
            "Foo, Bar",
            &[("Foo", "1"), ("Bar", "2")],
            &[("Foo", "1"), ("Bar", "3")]
        ));
        assert!(same("Foo, Bar", &[("Foo", "1")], &[("Foo", "1")]));
    }

    #[test]
    fn no_field_and_an_empty_field_are_two_things() {
        assert!(!same("Foo", &[], &[("Foo", "")]));
    }

    #[test]
    fn lines_and_white_space_make_no_difference_but_quoted() {
        assert!(same(
            "Foo",
            &[("Foo", "1, 2")],
            &[("Foo", "1"), ("Foo", "2")]
        ));
        assert!(same("Foo", &[("Foo", "1,2")], &[("Foo", "1 , 2")]));
        assert!(!same("Foo", &[("Foo", "\"1,2\"")], &[("Foo", "\"1, 2\"")]));
    }

    #[test]
    fn nothing_matches_an_asterisk() {
        for vary in ["*", "*, *", ", *", "Foo, *", "*, Foo"] {
            assert_eq!(Selector::new(&[("Vary", vary)].into()), None, "{vary}");
        }
        let lines = [("Vary", ""), ("Vary", "*")];
        assert_eq!(Selector::new(&lines.into()), None);
    }

    #[test]
    fn values_cannot_pose_as_other_fields() {
        assert!(!same("A, B", &[("A", "1"), ("B", "2")], &[("A", "1b:2")]));
    }
}
