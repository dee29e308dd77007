//! More files of the [`Site`](super::site::Site): three texts that no one takes for one another (the third is
//! [`Site::text`](super::site::Site::text)), and one whose date is set to catch wrong comparisons.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::site::{File, prose, word};
use crate::wire::http::date::imf_fixdate;

pub struct Pages {
    pub second: File,
    pub third: File,
    /// Last modified 0.9 s after [`Pages::modified`].
    pub dated: File,
    /// A whole second, as `Last-Modified` shows it, on one of the first nine days of a month: the asctime
    /// format fills such a day up with a space.
    pub modified: SystemTime,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Pages {
    pub fn make(root: &Path, rng: &mut fastrand::Rng) -> io::Result<Pages> {
        let text = |rng: &mut fastrand::Rng| {
            let name = format!("{}.txt", word(rng));
            File::make(root, &name, prose(rng, 5..30))
        };
        let (second, third, dated) = (text(rng)?, text(rng)?, text(rng)?);
        let modified = early_in_a_month(rng);
        let options = fs::File::options().append(true).open(&dated.path)?;
        options.set_modified(modified + Duration::from_millis(900))?;
        Ok(Pages { second, third, dated, modified })
    }

    /// A date before [`Pages::modified`] that sorts behind it as text: `Wed, 03 …` is not later than `Fri, 05 …`.
    pub fn earlier_but_greater_as_text(&self) -> SystemTime {
        let modified = imf_fixdate(self.modified);
        let mut earlier = self.modified - DAY;
        while imf_fixdate(earlier) <= modified {
            earlier -= DAY;
        }
        earlier
    }
}

/// Some second of the years 2005 to 2020.
fn early_in_a_month(rng: &mut fastrand::Rng) -> SystemTime {
    let mut time = UNIX_EPOCH + Duration::from_secs(rng.u64(1_104_537_600..1_577_836_800));
    while imf_fixdate(time).as_bytes()[5] != b'0' {
        time += DAY;
    }
    time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_every_seed_an_earlier_date_sorts_later_as_text() {
        for seed in 0..300 {
            let dir = tempfile::tempdir().unwrap();
            let pages = Pages::make(dir.path(), &mut fastrand::Rng::with_seed(seed)).unwrap();
            let earlier = pages.earlier_but_greater_as_text();
            assert!(earlier < pages.modified);
            assert!(imf_fixdate(earlier) > imf_fixdate(pages.modified));
            let on_disk = fs::metadata(&pages.dated.path).unwrap().modified().unwrap();
            assert_eq!(on_disk, pages.modified + Duration::from_millis(900));
        }
    }
}
