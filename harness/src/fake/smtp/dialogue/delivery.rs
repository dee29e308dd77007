//! How the server speaks: when, in which pieces, and what it waits for.

use super::{Dialogue, Then};
use crate::deadline::poll_until;
use crate::fake::smtp::{Act, Delivery, Early, Reply};
use crate::stream::{Arrival, Sent};
use crate::sys;
use crate::verdict::Verdict;

impl Dialogue<'_> {
    /// Waits until the client has come to rest; false where nobody says which program it is.
    pub(super) fn client_waits(&mut self) -> bool {
        let deadline = self.channel.deadline();
        let Some(pid) = poll_until(deadline, || self.shared.client.get().copied()) else { return false };
        self.rest(pid);
        // By Nagle's algorithm, what the client wrote may wait in its system for the acknowledgement of what came.
        self.channel.stream().acknowledge_now();
        self.rest(pid);
        true
    }

    /// A program that never sleeps has the time of the whole check taken up, unless each wait in vain halves the next.
    fn rest(&mut self, pid: i32) {
        if !sys::quiet_within(pid, self.to_sleep) {
            self.to_sleep /= 2;
        }
    }

    /// Says it, the way this server delivers.
    pub(super) fn say(&mut self, reply: &Reply) -> Verdict<Then> {
        for act in &reply.acts {
            if self.act(act)? == Then::End {
                return Ok(Then::End);
            }
        }
        Ok(Then::GoOn)
    }

    pub(super) fn act(&mut self, act: &Act) -> Verdict<Then> {
        let sent = match act {
            Act::Send(octets) => match self.plan().delivery {
                Delivery::Whole => self.send(octets, &[])?,
                Delivery::Pieces(size) => {
                    let cuts: Vec<usize> = (size..octets.len()).step_by(size.max(1)).collect();
                    self.send(octets, &cuts)?
                }
                Delivery::Lockstep => {
                    for one in octets.split_inclusive(|&octet| octet == b'\n') {
                        self.wait_for_rest(one)?;
                        if self.send(one, &[])? == Sent::Refused {
                            return Ok(Then::End);
                        }
                    }
                    Sent::All
                }
                Delivery::Grouped => {
                    self.held.extend_from_slice(octets);
                    if self.channel.unread.contains(&b'\n') { Sent::All } else { self.send_held()? }
                }
            },
            Act::Pieces(octets, cuts) => self.send(octets, cuts)?,
            Act::Open(latch) => {
                latch.open();
                Sent::All
            }
            Act::Await(latch) => {
                if !self.stop.wait_open(latch, self.channel.deadline()) {
                    return Ok(Then::End);
                }
                Sent::All
            }
            Act::Pause(span) => {
                let over = self.channel.deadline().earlier(*span);
                if poll_until(over, || self.stop.is_set().then_some(())).is_some() {
                    return Ok(Then::End);
                }
                Sent::All
            }
            Act::Hear => {
                if self.channel.unread.is_empty() && self.read_more()? == Then::End {
                    return Ok(Then::End);
                }
                Sent::All
            }
            Act::Close | Act::Cut => {
                self.close(matches!(act, Act::Cut))?;
                return Ok(Then::End);
            }
            Act::Reset => {
                self.channel.stream().reset_on_close()?;
                return Ok(Then::End);
            }
            Act::Hold => {
                self.read_to_end()?;
                return Ok(Then::End);
            }
        };
        Ok(if sent == Sent::All { Then::GoOn } else { Then::End })
    }

    fn send(&mut self, octets: &[u8], cuts: &[usize]) -> Verdict<Sent> {
        let stream = self.channel.stream();
        stream.scene().journal.sent(stream.lane(), octets);
        if cuts.is_empty() { self.channel.send(octets) } else { self.channel.send_pieces(octets, cuts) }
    }

    pub(super) fn send_held(&mut self) -> Verdict<Sent> {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() { Ok(Sent::All) } else { self.send(&held, &[]) }
    }

    /// Waits until the client does nothing, and notes what has come though it was the server's turn.
    fn wait_for_rest(&mut self, next: &[u8]) -> Verdict {
        if !self.client_waits() {
            return Ok(());
        }
        let before = self.channel.unread.len();
        let arrival = self.channel.look()?;
        let octets = self.channel.unread[before..].to_vec();
        let closed = matches!(arrival, Arrival::Fin | Arrival::Reset);
        if !octets.is_empty() || closed {
            let before = String::from_utf8_lossy(next).trim_end().to_owned();
            self.session.early.push(Early { before, octets, closed });
        }
        Ok(())
    }

    pub(super) fn close(&mut self, cut: bool) -> Verdict {
        self.channel.half_close(cut)?;
        self.read_to_end()
    }

    fn read_to_end(&mut self) -> Verdict {
        while self.read_more()? == Then::GoOn {}
        let rest = std::mem::take(&mut self.channel.unread);
        self.note_strays(&rest);
        Ok(())
    }
}
