//! Stage 1: listen and answer.

use super::serve::{Fresh, shared};
use crate::check::{Basis, Check, Lab, Role, Tier};
use crate::client::expect_status;
use crate::trial::Trial;
use crate::verdict::Verdict;

pub const CHECKS: &[Check] = &[
    Check {
        id: "web.start.listens",
        title: "your server listens on its port within 5 s",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &[],
        basis: Basis::Contract,
        clause: "contract, submissions",
        why: "A server is up as soon as its port accepts connections: bind, listen, then accept for ever.",
        peers: "",
        hints: &[
            "`TcpListener::bind` makes the socket, binds and listens in one call; which address does it get?",
            "The address comes from --host and --port, not from a constant.",
        ],
        run: listens,
    },
    Check {
        id: "web.start.answers",
        title: "a GET of a file is answered with a well-formed 200",
        lab: Lab::Lab1,
        stage: 1,
        tier: Tier::Core,
        points: 2,
        role: Role::Server,
        needs: &["web.start.listens"],
        basis: Basis::Must,
        clause: "RFC 9112 §2.1",
        why: "A response is a status line, field lines and an empty line, each ended by CR LF, then the body.",
        peers: "",
        hints: &[
            "Look at it with `curl -v`: which line is the first that curl does not understand?",
            "Every line of the head ends with \\r\\n, and the head itself with an empty line.",
        ],
        run: answers,
    },
];

fn listens(t: &mut Trial) -> Verdict {
    Fresh::new().start(t).map(|_| ())
}

fn answers(t: &mut Trial) -> Verdict {
    let server = shared(t)?;
    let response = server.ask(&server.get(&server.site.text.target).close())?;
    expect_status(&response, 200)
}
