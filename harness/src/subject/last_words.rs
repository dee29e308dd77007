//! The part of a crashed program's stderr that says why it crashed.

const LINES: usize = 5;

/// A Rust panic's message, a Python traceback's last lines, a Java exception and where it was thrown, a Go panic;
/// of anything else the last lines. Empty if the program said nothing.
pub fn last_words(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let words = panic(&lines).or_else(|| traceback(&lines)).or_else(|| exception(&lines));
    words.unwrap_or_else(|| lines[lines.len().saturating_sub(LINES)..].to_vec()).join("\n")
}

/// Rust: `thread 'main' (4711) panicked at src/main.rs:18:5:`, then the message, then notes and maybe a backtrace.
/// Of several panics the last one counts. Go: `panic: …`, then the stacks.
fn panic<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let rust = |line: &str| line.trim_start().starts_with("thread '") && line.contains(" panicked at ");
    let start = lines.iter().rposition(|line| rust(line) || line.starts_with("panic: "))?;
    let stacks = |line: &str| {
        line.starts_with("note: ") || line.starts_with("stack backtrace:") || line.starts_with("goroutine ")
    };
    let words = lines[start..].iter().copied().take_while(|line| !stacks(line));
    Some(words.take(LINES).collect())
}

/// Python: the innermost place that has a line of source, and the exception, which is the last line without indent.
fn traceback<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let start = lines.iter().rposition(|line| line.starts_with("Traceback (most recent call last):"))?;
    let lines = &lines[start + 1..];
    let end = lines.iter().position(|line| !line.starts_with(' '))?;
    let place = lines[..end].iter().rposition(|line| line.trim_start().starts_with("File \"")).unwrap_or(0);
    let carets = |line: &&str| !line.trim_start().starts_with(['^', '~']);
    Some(lines[place..=end].iter().copied().filter(carets).collect())
}

/// Java: `Exception in thread "main" java.net.BindException: …`, its `Caused by:` lines, and the first place of each.
fn exception<'a>(lines: &[&'a str]) -> Option<Vec<&'a str>> {
    let start = lines.iter().rposition(|line| line.starts_with("Exception in thread "))?;
    let mut words = vec![lines[start]];
    let mut place_wanted = true;
    for &line in &lines[start + 1..] {
        let place = line.trim_start().starts_with("at ");
        if line.starts_with("Caused by: ") || (place && place_wanted) {
            words.push(line);
        }
        place_wanted = !place && (place_wanted || line.starts_with("Caused by: "));
    }
    words.truncate(LINES);
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rust_panic_is_its_place_and_its_message() {
        let stderr = "listening on 8080\n\nthread 'main' (812) panicked at src/server.rs:18:5:\n\
            not yet implemented: step 1: bind and accept\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(
            last_words(stderr),
            "thread 'main' (812) panicked at src/server.rs:18:5:\nnot yet implemented: step 1: bind and accept"
        );
    }

    #[test]
    fn a_backtrace_is_left_out() {
        let stderr = "thread 'w' panicked at a.rs:1:1:\nboom\nstack backtrace:\n   0: rust_begin_unwind\n";
        assert_eq!(last_words(stderr), "thread 'w' panicked at a.rs:1:1:\nboom");
    }

    #[test]
    fn a_python_traceback_is_its_innermost_place_and_its_exception() {
        let stderr = "Traceback (most recent call last):\n  File \"s.py\", line 9, in <module>\n    main()\n    ~~~~^^\n  \
            File \"s.py\", line 5, in main\n    int('x')\nValueError: invalid literal for int()\n";
        assert_eq!(
            last_words(stderr),
            "  File \"s.py\", line 5, in main\n    int('x')\nValueError: invalid literal for int()"
        );
    }

    #[test]
    fn a_java_exception_is_its_message_and_where_it_was_thrown() {
        let stderr = "Exception in thread \"main\" java.lang.RuntimeException: no\n\tat Server.main(Server.java:7)\n\
            \tat X.y(X.java:1)\nCaused by: java.net.BindException: Address already in use\n\tat java.base/z(Z.java)\n";
        assert_eq!(
            last_words(stderr),
            "Exception in thread \"main\" java.lang.RuntimeException: no\n\tat Server.main(Server.java:7)\n\
            Caused by: java.net.BindException: Address already in use\n\tat java.base/z(Z.java)"
        );
    }

    #[test]
    fn a_go_panic_is_its_message() {
        assert_eq!(last_words("panic: no port\n\ngoroutine 1 [running]:\nmain.main()\n"), "panic: no port");
    }

    #[test]
    fn of_anything_else_the_last_lines_are_kept() {
        assert_eq!(last_words("1\n2\n3\n4\n5\n\n6\n"), "2\n3\n4\n5\n6");
        assert_eq!(last_words(""), "");
    }
}
