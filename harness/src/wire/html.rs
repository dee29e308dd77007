//! What a person would see of a directory listing: title, heading, links and their rows, from any valid HTML.
//!
//! Character references are decoded; tags may be in either case, attributes quoted or not, end tags left out. A
//! missing escape shows in what a link's `href` then says. Left out: scripts, styles, and the tree of elements.

use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Of the first `<title>`, trimmed.
    pub title: Option<String>,
    /// Of the first `<h1>`, trimmed.
    pub heading: Option<String>,
    /// The `href` of `<base>`: what the links resolve against, if the page says so.
    pub base: Option<Vec<u8>>,
    /// All `<a>` with an `href`, in order.
    pub links: Vec<Link>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// A URI reference, without the whitespace around it, not yet percent-decoded.
    pub href: Vec<u8>,
    /// Trimmed.
    pub text: String,
    /// The text of the same row or line outside links, such as date and size, with single spaces.
    pub row: String,
}

impl Page {
    pub fn read(html: &[u8]) -> Page {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut reader = Reader::default();
        for token in Tokenizer::new_with_emitter(html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => reader.start(&tag),
                Token::EndTag(tag) => reader.end(&tag.name),
                Token::String(text) => reader.text(&String::from_utf8_lossy(&text)),
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
        }
        reader.end_row();
        reader.page.title = reader.title.map(|title| title.trim().to_owned());
        reader.page.heading = reader.heading.map(|heading| heading.trim().to_owned());
        reader.page
    }
}

/// What the text that comes next belongs to, apart from row and link.
#[derive(Default, PartialEq)]
enum Within {
    #[default]
    Body,
    Title,
    Heading,
    /// A script or a style, which nobody sees.
    Unseen,
}

#[derive(Default)]
struct Reader {
    page: Page,
    title: Option<String>,
    heading: Option<String>,
    within: Within,
    preformatted: bool,
    open_link: Option<Link>,
    row: String,
    /// Index of the first link of the row.
    row_links: usize,
}

impl Reader {
    fn start(&mut self, tag: &StartTag<()>) {
        let href = || tag.attributes.get(&b"href"[..]).map(|href| href.trim_ascii().to_vec());
        match tag.name.as_slice() {
            b"a" => {
                self.close_link();
                self.open_link = href().map(|href| Link { href, ..Link::default() });
            }
            b"base" => self.page.base = self.page.base.take().or_else(href),
            b"title" if self.title.is_none() => {
                self.title = Some(String::new());
                self.within = Within::Title;
            }
            b"title" | b"script" | b"style" => self.within = Within::Unseen,
            b"h1" if self.heading.is_none() => {
                self.end_row();
                self.heading = Some(String::new());
                self.within = Within::Heading;
            }
            b"pre" => {
                self.end_row();
                self.preformatted = true;
            }
            name => self.boundary(name),
        }
    }

    fn end(&mut self, name: &[u8]) {
        match name {
            b"a" => self.close_link(),
            b"title" | b"script" | b"style" => self.within = Within::Body,
            b"h1" => {
                self.within = Within::Body;
                self.end_row();
            }
            b"pre" => {
                self.end_row();
                self.preformatted = false;
            }
            name => self.boundary(name),
        }
    }

    /// Elements that hold or separate rows end one; other blocks and cells only separate words.
    fn boundary(&mut self, name: &[u8]) {
        match name {
            b"tr" | b"li" | b"dt" | b"br" | b"hr" | b"p" | b"table" | b"thead" | b"tbody" | b"tfoot"
            | b"ul" | b"ol" | b"dl" | b"body" | b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6"
            | b"address" => self.end_row(),
            b"td" | b"th" | b"dd" | b"div" | b"section" | b"article" | b"img" => self.row.push(' '),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        match self.within {
            Within::Unseen => return,
            Within::Title => return self.title.get_or_insert_default().push_str(text),
            Within::Heading => self.heading.get_or_insert_default().push_str(text),
            Within::Body => {}
        }
        if let Some(link) = &mut self.open_link {
            link.text.push_str(text);
        } else if self.preformatted {
            let mut lines = text.split('\n');
            self.row.push_str(lines.next().unwrap_or_default());
            for line in lines {
                self.end_row();
                self.row.push_str(line);
            }
        } else {
            self.row.push_str(text);
        }
    }

    fn close_link(&mut self) {
        if let Some(mut link) = self.open_link.take() {
            link.text = link.text.trim().to_owned();
            self.page.links.push(link);
            self.row.push(' ');
        }
    }

    fn end_row(&mut self) {
        self.close_link();
        let row = self.row.split_whitespace().collect::<Vec<_>>().join(" ");
        for link in &mut self.page.links[self.row_links..] {
            link.row.clone_from(&row);
        }
        self.row_links = self.page.links.len();
        self.row.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(html: &str) -> Vec<(String, String, String)> {
        let page = Page::read(html.as_bytes());
        page.links
            .into_iter()
            .map(|link| (String::from_utf8_lossy(&link.href).into_owned(), link.text, link.row))
            .collect()
    }

    fn link(href: &str, text: &str, row: &str) -> (String, String, String) {
        (href.to_owned(), text.to_owned(), row.to_owned())
    }

    #[test]
    fn title_and_heading_are_decoded_and_trimmed() {
        let page = Page::read(
            b"<!DOCTYPE html><TITLE>\n Index of /a&amp;&lt;b&gt;/ </TITLE><script>if(a<b)'<a href=x>'</script>\
              <H1 class=big>Index of <i>/a&amp;b/</i></h1>",
        );
        assert_eq!(page.title.as_deref(), Some("Index of /a&<b>/"));
        assert_eq!(page.heading.as_deref(), Some("Index of /a&b/"));
        assert_eq!(page.links, []);
    }

    #[test]
    fn a_table_gives_each_link_the_text_of_its_row() {
        let html = "<table><tr><th><a href='?C=N'>Name</a><th>Size</tr>\
            <tr><td><img src=/i.gif><td><A HREF=a%20b.txt>a b.txt</A><td>2024-05-01 12:00<td>1.5K\n\
            <tr><td><td><a href=\"d/\">d/</a></td><td>2024-05-02 12:00</td><td> - </td></tr></table>\
            <address>a server</address>";
        assert_eq!(
            links(html),
            [
                link("?C=N", "Name", "Size"),
                link("a%20b.txt", "a b.txt", "2024-05-01 12:00 1.5K"),
                link("d/", "d/", "2024-05-02 12:00 -"),
            ]
        );
    }

    #[test]
    fn preformatted_lines_list_items_and_breaks_are_rows_too() {
        assert_eq!(
            links("<pre><a href=\"../\">../</a>\n<a href=\"a\">a</a>   01-May-2024 12:00   17\r\n<hr></pre>"),
            [link("../", "../", ""), link("a", "a", "01-May-2024 12:00 17")]
        );
        assert_eq!(
            links("<ul><li><a href=a>a</a>, 17 octets<li>today: <a href=b>b</a></ul>x"),
            [link("a", "a", ", 17 octets"), link("b", "b", "today:")]
        );
        assert_eq!(
            links("<a href=a>a</a> 1<br>\n<a href=b>b</a> 2<BR/>"),
            [link("a", "a", "1"), link("b", "b", "2")]
        );
    }

    #[test]
    fn character_references_in_links_are_decoded_once() {
        assert_eq!(
            links("<a href=\" &quot;a&#38;b&amp;amp;.txt \">&lt;b&gt;&amp;amp;</a><a name=x>no link</a>"),
            [link("\"a&b&amp;.txt", "<b>&amp;", "no link")]
        );
        assert_eq!(links("<a href='a<b>.txt'>a<b>.txt</a>"), [link("a<b>.txt", "a.txt", "")]);
    }

    #[test]
    fn octets_that_are_no_utf_8_stay_in_the_link() {
        assert_eq!(Page::read(b"<a href=\"\xff\">?</a>").links[0].href, b"\xff");
        assert_eq!(Page::read(b"<base href=/x/><a href=y>y").base.as_deref(), Some(&b"/x/"[..]));
    }

    #[test]
    fn no_input_stops_the_reader() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..500 {
            let html: Vec<u8> = (0..60)
                .map(|_| *random.choice(b"<>a/ ='\"!-&;#hrefltitpbd\xc3\0\n").unwrap_or(&b'a'))
                .collect();
            Page::read(&html);
        }
    }
}
