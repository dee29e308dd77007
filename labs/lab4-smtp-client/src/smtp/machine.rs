//! The dialogue as a finite state machine: one table of what is done where, and what then.
//!
//! ```text
//!  Greeting
//!     │ 2yz
//!     ▼
//!   Hello ◀───────── handshake ◀── 220 ── StartTls
//!     │ EHLO                                 ▲
//!     ▼                                      │ STARTTLS
//!   Ehlo ─── 2yz ────────┬────▶ Tls? ── due ─┘
//!     │ 5yz: HELO        │       │ not due
//!     ▼                  │       ▼
//!   Helo ─── 2yz ────────┘     Auth? ── AUTH LOGIN ──▶ Name ── 3yz: name ──▶ Password
//!                                │ │                                            │ 3yz: password
//!                        not due │ │                                            ▼
//!                                │ └─── AUTH PLAIN ──▶ Plain ── 3yz: both ─▶ Credentials
//!                                ▼                       │ 2yz                  │ 2yz
//!                              Mail? ◀───────────────────┴──────────────────────┘
//!                                │ │
//!                 lockstep: MAIL │ │ pipelining: MAIL, RCPT…, DATA
//!           ┌────────────────────┘ └─────────────────────┐
//!           ▼                                            ▼
//!         Mail                                       GroupMail
//!           │ 2yz                                        │ 2yz, 4yz, 5yz
//!           ▼                                            ▼
//!         Rcpt? ◀── 2yz, 4yz, 5yz ── Rcpt           GroupNext? ◀── 2yz, 4yz, 5yz ── GroupRcpt
//!           │ └──── one is left: RCPT ─▲                 │ └──────── one is left ───────▲
//!           │ one is accepted: DATA                      │ none is left
//!           ▼                                            ▼
//!         Data                                       GroupData
//!           │ 3yz: the mail                              │ 3yz
//!           ▼                                            ▼
//!        Content ◀── one is accepted: the mail ── GroupContent? ── none is: a dot ──▶ LoneDot
//!           │ 2yz                                                                        │
//!           ▼                                                                            │
//!         Leave ◀────────────────────────── whatever ────────────────────────────────────┘
//!           │ QUIT
//!           ▼
//!         Quit ── whatever ──▶ End
//!
//!  From any state: 421, silence and a broken connection fail ─▶ End
//!                  whatever else is not drawn fails ─▶ Leave
//! ```
//!
//! A state with a question mark waits for nothing: what comes in it is the answer to its question.
//! Without `Group`, its name in the table begins with `Choose`.

/// What is waited for, or asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The server speaks first.
    Greeting,
    /// It is time to say who we are.
    Hello,
    Ehlo,
    Helo,
    /// Is TLS due?
    ChooseTls,
    StartTls,
    /// Is there a mechanism for what we know?
    ChooseAuth,
    /// `AUTH PLAIN` was sent, with all that it needs.
    Plain,
    /// `AUTH LOGIN` was sent.
    Name,
    Password,
    /// All was sent that proves who we are.
    Credentials,
    /// It was not enough for the server, and there is no more.
    Cancelled,
    /// What can the server take?
    ChooseMail,
    Mail,
    /// Is a recipient left?
    ChooseRcpt,
    Rcpt,
    Data,
    /// The mail was sent.
    Content,
    /// `MAIL`, `RCPT` and `DATA` are sent together (RFC 2920), and answered one after the other.
    GroupMail,
    GroupRcpt,
    /// Is a recipient's reply left?
    GroupNext,
    GroupData,
    /// Is the mail for anyone?
    GroupContent,
    /// An empty mail was sent, for nobody.
    LoneDot,
    /// It is time to go.
    Leave,
    Quit,
    End,
    /// In the table: whichever it is.
    AnyState,
}

impl State {
    /// What a reply in it is the answer to, or what it decides about.
    pub fn name(self) -> &'static str {
        match self {
            State::Greeting => "connecting",
            State::Hello | State::Ehlo => "EHLO",
            State::Helo => "HELO",
            State::ChooseTls | State::StartTls => "STARTTLS",
            State::ChooseAuth
            | State::Plain
            | State::Name
            | State::Password
            | State::Credentials
            | State::Cancelled => "AUTH",
            State::ChooseMail | State::Mail | State::GroupMail => "MAIL",
            State::ChooseRcpt | State::Rcpt | State::GroupRcpt | State::GroupNext => "RCPT",
            State::Data | State::GroupData => "DATA",
            State::Content | State::GroupContent | State::LoneDot => "the mail",
            State::Leave | State::Quit | State::End | State::AnyState => "QUIT",
        }
    }
}

/// What has come: a reply, by its first digit (RFC 5321 §4.2.1), or the answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// 2yz
    Done,
    /// 220
    Ready,
    /// 3yz
    GoOn,
    /// 4yz
    TryAgain,
    /// 5yz
    Never,
    /// 421: the server ends the dialogue, wherever it is (RFC 5321 §3.8).
    Closing,
    /// No reply, and there will be none.
    Lost,
    /// There is nothing to ask.
    Always,
    /// TLS, or authentication
    NotDue,
    Offered,
    OfferedPlain,
    OfferedLogin,
    NotOffered,
    /// The mail is larger than the server says it takes.
    TooLarge,
    /// Every command waits for the reply to the one before.
    Lockstep,
    Pipelining,
    RecipientLeft,
    SomeAccepted,
    NoneAccepted,
    /// In the table: whatever it is.
    Anything,
}

impl Came {
    /// Of a reply's code.
    pub fn with(code: u16) -> Came {
        match code {
            220 => Came::Ready,
            421 => Came::Closing,
            _ => match code / 100 {
                2 => Came::Done,
                3 => Came::GoOn,
                4 => Came::TryAgain,
                _ => Came::Never,
            },
        }
    }

    fn is(self, row: Came) -> bool {
        row == self || row == Came::Anything || (row, self) == (Came::Done, Came::Ready)
    }
}

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Ehlo,
    Helo,
    StartTls,
    AuthPlain,
    AuthLogin,
    /// The answers to what `AUTH` is asked.
    PlainMessage,
    Name,
    Password,
    /// Ends what `AUTH` began (RFC 4954 §4).
    Cancel,
    Mail,
    /// With the next recipient.
    Rcpt,
    Data,
    Quit,
    /// The end of a mail.
    Dot,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Nothing,
    Say(Command),
    /// Remember what the server offers.
    Learn,
    /// Begin TLS, and forget all that was heard before.
    Handshake,
    /// Count the recipient whose reply this is.
    Accept,
    Refuse,
    /// Send the mail.
    Send,
    /// The mail is the server's now.
    Deliver,
    /// Remember why there will be no delivery. The first reason is the one that is told.
    Fail,
}

/// In this state, when this has come, this is done, and that is the next state.
#[derive(Debug)]
pub struct Row {
    pub state: State,
    pub came: Came,
    pub action: Action,
    pub next: State,
}

const fn row(state: State, came: Came, action: Action, next: State) -> Row {
    Row {
        state,
        came,
        action,
        next,
    }
}

use Action::*;
use Came::*;
use State::*;

/// The first row that fits is the one.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    // step 1: from the greeting to the end, where nobody refuses anything
    // step 2: HELO
    // step 3: refused recipients
    // step 4: a mail that is too large
    // step 7: STARTTLS
    // step 8: AUTH
    // step 9: a group of commands
    // step 3: a server that ends it, or is gone, is told no farewell
    // Given: what no other row says.
    row(AnyState,     Anything,      Fail,                       Leave),
];

/// What is done, and the next state.
pub fn find(state: State, came: Came) -> &'static Row {
    let fits = |row: &&Row| (row.state == state || row.state == AnyState) && came.is(row.came);
    TABLE.iter().find(fits).unwrap_or(&TABLE[TABLE.len() - 1])
}

#[cfg(test)]
mod step1 {
    use super::*;

    #[test]
    fn no_row_hides_another() {
        for (index, row) in TABLE.iter().enumerate() {
            let hides = |above: &&Row| {
                (above.state == row.state || above.state == AnyState) && row.came.is(above.came)
            };
            assert!(TABLE[..index].iter().find(hides).is_none(), "{row:?}");
        }
    }

    #[test]
    fn every_state_can_be_reached_and_left() {
        for row in TABLE.iter().filter(|row| row.state != AnyState) {
            let enters = |other: &&Row| other.next == row.state && other.state != row.state;
            assert!(
                row.state == Greeting || TABLE.iter().any(|other| enters(&other)),
                "{row:?}"
            );
            assert_ne!(row.next, AnyState, "{row:?}");
        }
    }

    #[test]
    fn only_a_mail_that_was_sent_is_delivered() {
        let rows: Vec<&Row> = TABLE.iter().filter(|row| row.action == Deliver).collect();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].state, rows[0].came), (Content, Done));
        assert!(
            TABLE
                .iter()
                .all(|row| row.next != Content || row.action == Send)
        );
    }

    #[test]
    fn what_no_row_says_fails() {
        for (state, came, next) in [
            (Mail, GoOn, Leave),
            (Data, Closing, End),
            (Content, Lost, End),
            (StartTls, Done, Leave),
        ] {
            let row = find(state, came);
            assert_eq!((row.action, row.next), (Fail, next), "{state:?} {came:?}");
        }
    }
}
