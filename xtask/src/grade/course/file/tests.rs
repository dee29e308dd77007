use super::*;

fn parse_it(text: &str) -> Result<Course, TomlError> {
    parse(text, Path::new("course.toml"), Lab::Lab3, &["ada", "bob"])
}

fn error(text: &str) -> String {
    parse_it(text).expect_err("wrong rules").to_string()
}

#[test]
fn the_whole_of_it_is_read() {
    let course = parse_it(
        r#"
        lab = "lab3"
        points = 50
        tiers = ["core", "robust"]
        off = ["ping.ipv6"]
        [weights]
        tier = { robust = 0.5 }
        stage = { 3 = 2 }
        check = { "ping.stats" = 0 }
        [due]
        at = "2026-11-30 23:59"
        zone = "Europe/Berlin"
        file_times = true
        [late]
        grace = "15 min"
        per_day = 10
        at_most = 50
        cutoff = "7 days"
        [student.ada]
        due = "2026-12-02 23:59"
        reason = "ill"
        [languages]
        scripts = true
        build = ["make", "gcc *"]
        [limits]
        build = "1 min"
        memory = "512 MiB"
        [copies]
        flag_from = 0.9
        "#,
    )
    .expect("rules");
    assert_eq!(course.due.map(|due| due.to_string()), Some("2026-11-30T22:59:00Z".to_owned()));
    assert_eq!(
        course.students["ada"].due.map(|due| due.to_string()),
        Some("2026-12-02T22:59:00Z".to_owned())
    );
    assert_eq!(course.late.cutoff, Some(Duration::from_secs(7 * 24 * 3600)));
    assert_eq!((course.limits.build, course.limits.memory), (Duration::from_secs(60), 512 << 20));
    assert_eq!(course.limits.judge, Limits::default().judge);
    assert_eq!((course.points, course.copies, course.file_times), (50.0, 0.9, true));
}

#[test]
fn an_empty_file_changes_nothing() {
    let course = parse_it("").expect("rules");
    assert_eq!((course.points, course.tiers.len(), course.due), (100.0, 3, None));
}

#[test]
fn a_build_command_is_allowed_word_by_word() {
    let allowed = parse_it("languages.build = [\"make\", \"gcc *\"]").expect("rules").allowed;
    let check = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        allowed.check(Some(&words)).is_ok()
    };
    assert!(check(&["make"]) && check(&["gcc", "-o", "ping", "ping.c"]) && check(&["gcc"]));
    assert!(!check(&["make", "evil"]) && !check(&["/bin/make"]) && !check(&["sh", "-c", "make"]));
    assert!(allowed.check(None).is_err());
}

#[test]
fn a_mistake_is_named_with_its_place_and_the_nearest() {
    let cases = [
        ("\npionts = 3", "course.toml:2:1: there is no key \"pionts\"; did you mean \"points\"?"),
        ("[late]\nper_dya = 1", ":2:1: there is no key \"per_dya\"; did you mean \"per_day\"?"),
        ("tiers = [\"core\", \"robsut\"]", ":1:18: there is no tier \"robsut\"; did you mean \"robust\"?"),
        (
            "off = [\"ping.wiat.exit\"]",
            ":1:8: there is no check \"ping.wiat.exit\"; the nearest: ping.wait.exit",
        ),
        ("weights.check.\"web.files\" = 2", ":1:15: there is no check \"web.files\""),
        ("weights.stage.9 = 2", ":1:15: lab3 has stages 1 to 7, and no 9"),
        ("weights.tier.core = -1", ":1:21: a weight must be 0 or more"),
        ("weights.tier.core = nan", ":1:21: a weight must be 0 or more"),
        ("points = \"many\"", ":1:10: invalid type"),
        ("lab = \"lab1\"", ":1:7: these are the rules of \"lab1\", and lab3 is graded"),
        ("[due]\nat = \"tomorrow\"", ":2:6: a moment, such as \"2026-11-30 23:59\""),
        ("[due]\nat = \"2026-11-30\"", ":2:6: a moment, such as"),
        ("[due]\nat = 2026-11-30T10:00:00", "; a moment stands in quotation marks"),
        (
            "[due]\nat = \"2026-11-30 10:00\"\nzone = \"Europe/Bern\"",
            ":3:8: there is no time zone \"Europe/Bern\"",
        ),
        ("late.per_day = 120", ":1:16: per cent are between 0 and 100"),
        ("late.grace = \"soon\"", ":1:14: a span of time"),
        ("[student.adda]\nreason = \"x\"", ":1:10: there is no student \"adda\"; did you mean \"ada\"?"),
        ("[student.zacharias]\nreason = \"x\"", ":1:10: there is no student \"zacharias\" on the roster"),
        ("[student.ada]\nadd = 5", ":1:10: an exception for one student needs a `reason`"),
        ("languages.build = [\"*\"]", ":1:20: a build command"),
        ("limits.memory = \"0 MiB\"", ":1:17: a size"),
        ("limits.patience = 0", ":1:19: it must be above 0"),
        ("copies.flag_from = 80", ":1:20: a share is between 0 and 1"),
        ("points = ", "course.toml:1:"),
    ];
    for (text, words) in cases {
        let error = error(text);
        assert!(error.contains(words), "{text}\n{error}");
    }
}

#[test]
fn the_readme_s_rules_are_rules() {
    let readme = fs::read_to_string(crate::workspace::root().join("README.md")).expect("the README");
    let (_, rest) = readme.split_once("```toml\npoints").expect("the example");
    let text = format!("points{}", rest.split_once("```").expect("its end").0);
    let course =
        parse(&text, Path::new("README.md"), Lab::Lab2, &["ada"]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((course.points, course.late.per_day), (100.0, 10.0));
}
