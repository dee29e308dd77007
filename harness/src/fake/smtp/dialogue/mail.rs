//! A mail from 354 to the end of data, however that comes.

use super::{Dialogue, Then};
use crate::fake::smtp::Mail;
use crate::fake::smtp::data::{self, Data, Extent};
use crate::verdict::Verdict;

impl Dialogue<'_> {
    /// Reads up to the end of data.
    pub(super) fn read_mail(&mut self, mail: &mut Mail) -> Verdict<Then> {
        let mut search = Data::default();
        let mut ended = Then::GoOn;
        loop {
            let unread = &self.channel.unread;
            if let Some((after, act)) = &self.plan().broken_off
                && unread.len() >= *after
            {
                let act = act.clone();
                mail.wire = std::mem::take(&mut self.channel.unread);
                return self.act(&act);
            }
            if let Some(extent) = search.end(unread) {
                self.take_mail(mail, extent);
                return Ok(ended);
            }
            // Nobody waits for a reply to what has not ended: LF, dot, LF was meant as the end.
            if let Some(extent) = data::bare_end(unread) {
                let octets = unread.len();
                if ended == Then::GoOn && self.client_waits() {
                    self.channel.look()?;
                }
                if self.channel.unread.len() > octets {
                    continue;
                }
                mail.bare_lf = true;
                self.take_mail(mail, extent);
                return Ok(ended);
            }
            if ended == Then::End {
                mail.wire = std::mem::take(&mut self.channel.unread);
                mail.content = data::unstuffed(&mail.wire);
                self.record(&String::from_utf8_lossy(&mail.wire));
                return Ok(Then::End);
            }
            ended = self.read_more()?;
        }
    }

    fn take_mail(&mut self, mail: &mut Mail, extent: Extent) {
        let rest = self.channel.unread.split_off(extent.consumed);
        mail.wire = std::mem::replace(&mut self.channel.unread, rest);
        let stream = self.channel.stream();
        stream.scene().journal.received(stream.lane(), &mail.wire);
        mail.wire.truncate(extent.content);
        mail.content = data::unstuffed(&data::with_crlf(&mail.wire));
        mail.whole = true;
        mail.behind = self.channel.unread.len();
    }
}
