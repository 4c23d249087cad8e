//! Owns the table of what each kind of condition matches and what not, and of patterns that are refused.
//! Never a row without a word for it: the cases follow the EventBridge user guide and the published matcher; each line is about one.
//! Next: `Pattern`, which is asked.

use super::{Fields, Looked, Pattern};

fn matches(pattern: &str, event: &str) -> bool {
    let pattern = Pattern::parse(pattern).unwrap_or_else(|refusal| panic!("{pattern}: {refusal}"));
    let mut looked = Looked::default();
    pattern.look(&mut looked);
    pattern.matches(&Fields::of(event, &looked).unwrap())
}

/// Pattern, events that match, events that do not. Every event stands under `detail`.
type Case<'a> = (&'a str, &'a [&'a str], &'a [&'a str]);

fn check(cases: &[Case<'_>]) {
    for (pattern, yes, no) in cases {
        let pattern = format!(r#"{{"detail": {pattern}}}"#);
        for event in *yes {
            assert!(matches(&pattern, &format!(r#"{{"detail": {event}}}"#)), "{pattern} should match {event}");
        }
        for event in *no {
            assert!(!matches(&pattern, &format!(r#"{{"detail": {event}}}"#)), "{pattern} should not match {event}");
        }
    }
}

#[test]
fn literals_match_their_own_type_only() {
    check(&[
        (
            r#"{"a": ["x", "y"]}"#,
            &[r#"{"a": "y"}"#, r#"{"a": "x", "b": 1}"#],
            &[r#"{"a": "z"}"#, "{}", r#"{"b": "x"}"#],
        ),
        (r#"{"a": [""]}"#, &[r#"{"a": ""}"#], &[r#"{"a": null}"#, r#"{"a": []}"#]),
        (r#"{"a": [null]}"#, &[r#"{"a": null}"#], &[r#"{"a": "null"}"#, r#"{"a": []}"#, "{}"]),
        (r#"{"a": [true]}"#, &[r#"{"a": true}"#], &[r#"{"a": "true"}"#, r#"{"a": false}"#, r#"{"a": 1}"#]),
        (
            r#"{"a": [300]}"#,
            &[r#"{"a": 300}"#, r#"{"a": 300.0}"#, r#"{"a": 3.0e2}"#],
            &[r#"{"a": "300"}"#, r#"{"a": 301}"#],
        ),
        (r#"{"a": [9007199254740993]}"#, &[r#"{"a": 9007199254740993}"#], &[r#"{"a": 9007199254740992}"#]),
        (r#"{"A": ["x"]}"#, &[r#"{"A": "x"}"#], &[r#"{"a": "x"}"#]),
        (r#"{"a": ["\u00e9 🚀 "]}"#, &[r#"{"a": "é 🚀 "}"#], &[r#"{"a": "é 🚀"}"#]),
        (r#"{"a": ["2001:db8::1"]}"#, &[r#"{"a": "2001:db8:0:0:0:0:0:1"}"#], &[r#"{"a": "2001:db8::2"}"#]),
    ]);
}

#[test]
fn every_named_field_must_match_however_deep_it_lies() {
    check(&[
        (
            r#"{"a": {"b": {"c": ["x"]}}, "d": [1]}"#,
            &[r#"{"a": {"b": {"c": "x"}}, "d": 1}"#],
            &[
                r#"{"a": {"b": {"c": "x"}}}"#,
                r#"{"a": {"b": "x"}, "d": 1}"#,
                r#"{"a": {"b": {"c": {"x": 1}}}, "d": 1}"#,
            ],
        ),
        (r#"{"a": {"b": ["x"]}}"#, &[r#"{"a.b": "x"}"#], &[r#"{"a.b": {"b": "x"}}"#]),
        (r#"{"a.b": ["x"]}"#, &[r#"{"a": {"b": "x"}}"#], &[r#"{"a": "x"}"#]),
    ]);
}

#[test]
fn one_element_of_an_array_is_enough_and_must_be_the_same_for_all_its_fields() {
    check(&[
        (r#"{"a": ["x", "y"]}"#, &[r#"{"a": ["z", "y"]}"#, r#"{"a": [["x"]]}"#], &[r#"{"a": ["z"]}"#, r#"{"a": []}"#]),
        (
            r#"{"people": {"first": ["Anna"], "last": ["Smith"]}}"#,
            &[
                r#"{"people": [{"first": "John", "last": "Doe"}, {"first": "Anna", "last": "Smith"}]}"#,
                r#"{"people": [{"first": "Anna", "last": "Doe"}, {"first": "Anna", "last": "Smith"}]}"#,
            ],
            &[r#"{"people": [{"first": "Anna", "last": "Doe"}, {"first": "John", "last": "Smith"}]}"#],
        ),
        (
            r#"{"a": {"b": {"c": [1]}, "d": [2]}}"#,
            &[r#"{"a": [{"b": [{"c": 0}, {"c": 1}], "d": 2}]}"#],
            &[r#"{"a": [{"b": [{"c": 1}], "d": 3}, {"b": [{"c": 0}], "d": 2}]}"#],
        ),
        (r#"{"a": [1], "b": [2]}"#, &[r#"{"a": [0, 1], "b": [2, 3]}"#], &[r#"{"a": [0, 1], "b": [3]}"#]),
    ]);
}

#[test]
fn beginnings_and_ends_may_ignore_the_case() {
    check(&[
        (
            r#"{"a": [{"prefix": "eu-"}]}"#,
            &[r#"{"a": "eu-"}"#, r#"{"a": "eu-west"}"#],
            &[r#"{"a": "us-eu-"}"#, r#"{"a": "EU-"}"#],
        ),
        (r#"{"a": [{"prefix": {"equals-ignore-case": "eu-"}}]}"#, &[r#"{"a": "EU-west"}"#], &[r#"{"a": "us-EU-"}"#]),
        (r#"{"a": [{"prefix": ""}]}"#, &[r#"{"a": ""}"#, r#"{"a": "x"}"#], &[r#"{"a": 1}"#, "{}"]),
        (r#"{"a": [{"suffix": ".png"}]}"#, &[r#"{"a": "i.png"}"#], &[r#"{"a": "i.PNG"}"#, r#"{"a": "i.png "}"#]),
        (r#"{"a": [{"suffix": {"equals-ignore-case": ".png"}}]}"#, &[r#"{"a": "i.PNG"}"#], &[r#"{"a": "i.pnG.x"}"#]),
        (
            r#"{"a": [{"equals-ignore-case": "StraSSe É"}]}"#,
            &[r#"{"a": "STRASSE é"}"#],
            &[r#"{"a": "strasse e"}"#, r#"{"a": 1}"#],
        ),
    ]);
}

#[test]
fn anything_but_wants_a_value_and_excludes_what_it_names() {
    check(&[
        (
            r#"{"a": [{"anything-but": "x"}]}"#,
            &[r#"{"a": "y"}"#, r#"{"a": null}"#, r#"{"a": 1}"#],
            &[r#"{"a": "x"}"#, "{}", r#"{"a": {}}"#],
        ),
        (
            r#"{"a": [{"anything-but": ["x", "y"]}]}"#,
            &[r#"{"a": "z"}"#, r#"{"a": ["x", "z"]}"#],
            &[r#"{"a": "y"}"#, r#"{"a": ["x", "y"]}"#],
        ),
        (r#"{"a": [{"anything-but": 0}]}"#, &[r#"{"a": 1}"#, r#"{"a": "0"}"#], &[r#"{"a": 0}"#, r#"{"a": 0.0}"#]),
        (r#"{"a": [{"anything-but": [100, 200]}]}"#, &[r#"{"a": 150}"#], &[r#"{"a": 200}"#]),
        (
            r#"{"a": [{"anything-but": {"prefix": "i"}}]}"#,
            &[r#"{"a": "post-i"}"#, r#"{"a": 12}"#, r#"{"a": null}"#],
            &[r#"{"a": "init"}"#, "{}"],
        ),
        (r#"{"a": [{"anything-but": {"prefix": ["i", "t"]}}]}"#, &[r#"{"a": "x"}"#], &[r#"{"a": "test"}"#]),
        (
            r#"{"a": [{"anything-but": {"suffix": [".txt", ".rtf"]}}]}"#,
            &[r#"{"a": "f.txt.bak"}"#],
            &[r#"{"a": "f.rtf"}"#],
        ),
        (
            r#"{"a": [{"anything-but": {"equals-ignore-case": ["On", "Off"]}}]}"#,
            &[r#"{"a": "idle"}"#],
            &[r#"{"a": "ON"}"#],
        ),
        (
            r#"{"a": [{"anything-but": {"wildcard": "*/lib/*"}}]}"#,
            &[r#"{"a": "/usr/bin/x"}"#],
            &[r#"{"a": "/usr/lib/x"}"#],
        ),
        (
            r#"{"a": [{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}]}"#,
            &[r#"{"a": "/etc/x"}"#],
            &[r#"{"a": "/usr/bin/x"}"#],
        ),
    ]);
}

#[test]
fn numbers_lie_in_ranges_whose_ends_may_belong_to_them() {
    check(&[
        (
            r#"{"a": [{"numeric": [">", 0, "<=", 5]}]}"#,
            &[r#"{"a": 5}"#, r#"{"a": 0.000001}"#, r#"{"a": 5.0}"#],
            &[r#"{"a": 0}"#, r#"{"a": 5.01}"#, r#"{"a": "3"}"#, r#"{"a": null}"#],
        ),
        (r#"{"a": [{"numeric": ["=", 3.018e2]}]}"#, &[r#"{"a": 301.8}"#], &[r#"{"a": 301.9}"#]),
        (r#"{"a": [{"numeric": ["<", -1]}]}"#, &[r#"{"a": -5000000000}"#], &[r#"{"a": -1}"#, r#"{"a": -5000000001}"#]),
        (
            r#"{"a": [{"numeric": [">=", 100]}]}"#,
            &[r#"{"a": 100}"#, r#"{"a": 5e9}"#, r#"{"a": [1, 101.0]}"#],
            &[r#"{"a": 99}"#, r#"{"a": 5000000001}"#],
        ),
        (r#"{"a": [{"numeric": [">", 100]}, {"anything-but": "101"}]}"#, &[r#"{"a": "42"}"#], &[r#"{"a": "101"}"#]),
    ]);
}

#[test]
fn existence_is_asked_of_leaves_only() {
    check(&[
        (
            r#"{"a": [{"exists": true}]}"#,
            &[r#"{"a": 1}"#, r#"{"a": null}"#, r#"{"a": ""}"#],
            &["{}", r#"{"a": {"b": 1}}"#, r#"{"a": []}"#],
        ),
        (
            r#"{"a": {"b": [{"exists": false}]}}"#,
            &["{}", r#"{"a": {"c": 1}}"#, r#"{"a": 1}"#, r#"{"a": {"b": {"c": 1}}}"#],
            &[r#"{"a": {"b": 1}}"#, r#"{"a": [{"c": 1}, {"b": 1}]}"#],
        ),
        (
            r#"{"a": {"b": [{"anything-but": ["x"]}, {"exists": false}]}}"#,
            &["{}", r#"{"a": {"b": "y"}}"#],
            &[r#"{"a": {"b": "x"}}"#],
        ),
        (r#"{"a": [{"exists": false}], "b": ["x"]}"#, &[r#"{"b": "x"}"#], &[r#"{"a": 1, "b": "x"}"#, "{}"]),
    ]);
}

#[test]
fn a_wildcard_stands_for_any_text_also_none() {
    check(&[
        (
            r#"{"a": [{"wildcard": "dir/*.png"}]}"#,
            &[r#"{"a": "dir/.png"}"#, r#"{"a": "dir/x/y.png"}"#],
            &[r#"{"a": "dir.png"}"#, r#"{"a": "dir/x.png.bak"}"#],
        ),
        (r#"{"a": [{"wildcard": "*a*b*"}]}"#, &[r#"{"a": "ab"}"#, r#"{"a": "xaybz"}"#], &[r#"{"a": "ba"}"#]),
        (r#"{"a": [{"wildcard": "ab*ba"}]}"#, &[r#"{"a": "abba"}"#], &[r#"{"a": "aba"}"#]),
        (r#"{"a": [{"wildcard": "*"}]}"#, &[r#"{"a": ""}"#, r#"{"a": "x"}"#], &[r#"{"a": 1}"#]),
        (r#"{"a": [{"wildcard": "x\\*y\\\\z*"}]}"#, &[r#"{"a": "x*y\\z!"}"#], &[r#"{"a": "xay\\z"}"#]),
        (r#"{"a": [{"wildcard": ""}]}"#, &[r#"{"a": ""}"#], &[r#"{"a": "x"}"#]),
    ]);
}

#[test]
fn an_address_block_takes_addresses_of_its_family() {
    check(&[
        (
            r#"{"a": [{"cidr": "10.0.0.0/24"}]}"#,
            &[r#"{"a": "10.0.0.255"}"#],
            &[r#"{"a": "10.0.1.0"}"#, r#"{"a": "::ffff:10.0.0.1"}"#, r#"{"a": "x"}"#, r#"{"a": 10}"#],
        ),
        (r#"{"a": [{"cidr": "0.0.0.0/0"}]}"#, &[r#"{"a": "255.1.2.3"}"#], &[r#"{"a": "::1"}"#]),
        (
            r#"{"a": [{"cidr": "2001:db8:1234:1a00::/64"}]}"#,
            &[r#"{"a": "2001:db8:1234:1a00:1::"}"#],
            &[r#"{"a": "2001:db8:1234:1a01::"}"#],
        ),
    ]);
}

#[test]
fn one_alternative_of_an_or_is_enough_and_the_rest_still_holds() {
    check(&[
        (
            r#"{"s": ["x"], "$or": [{"c": [{"numeric": [">", 0]}]}, {"d": {"e": ["y"]}}]}"#,
            &[r#"{"s": "x", "c": 1}"#, r#"{"s": "x", "c": 0, "d": {"e": "y"}}"#],
            &[r#"{"s": "x", "c": 0}"#, r#"{"c": 1}"#, r#"{"s": "z", "d": {"e": "y"}}"#],
        ),
        (
            r#"{"$or": [{"a": ["1"]}, {"$or": [{"b": ["2"]}, {"c": ["3"], "d": ["4"]}]}]}"#,
            &[r#"{"a": "1"}"#, r#"{"b": "2"}"#, r#"{"c": "3", "d": "4"}"#],
            &[r#"{"c": "3"}"#, "{}"],
        ),
        (
            r#"{"l": {"k": ["1"], "$or": [{"v": ["2"]}, {"w": ["3"]}]}}"#,
            &[r#"{"l": [{"k": "0", "v": "2"}, {"k": "1", "w": "3"}]}"#],
            &[r#"{"l": [{"k": "1", "v": "0"}, {"k": "0", "v": "2"}]}"#],
        ),
    ]);
}

#[test]
fn a_pattern_that_is_not_valid_is_refused_with_a_sentence() {
    for (pattern, sentence) in [
        ("this is no JSON", "expected ident"),
        (r#"["a"]"#, "Filter is not an object"),
        ("{}", "Empty objects are not allowed"),
        (r#"{"a": "x"}"#, "\"a\" must be an object or an array"),
        (r#"{"a": 1}"#, "\"a\" must be an object or an array"),
        (r#"{"a": []}"#, "Empty arrays are not allowed"),
        (r#"{"a": [[1]]}"#, "Match value must be String, number, true, false, or null"),
        (r#"{"a": [{}]}"#, "Match expression name not found"),
        (r#"{"a": [{"prefix": "x", "suffix": "y"}]}"#, "Only one key allowed"),
        (r#"{"a": [{"EXISTS": true}]}"#, "Unrecognized match type EXISTS"),
        (r#"{"a": [{"exists": "yes"}]}"#, "exists match pattern must be either true or false"),
        (r#"{"a": [{"prefix": 1}]}"#, "prefix match pattern must be a string"),
        (r#"{"a": [{"prefix": {"suffix": "x"}}]}"#, "Unsupported prefix pattern: suffix"),
        (r#"{"a": [{"suffix": ["x"]}]}"#, "suffix match pattern must be a string"),
        (r#"{"a": [{"equals-ignore-case": ["x"]}]}"#, "equals-ignore-case match pattern must be a string"),
        (r#"{"a": [{"wildcard": 1}]}"#, "wildcard match pattern must be a string"),
        (r#"{"a": [{"wildcard": "a**b"}]}"#, "Consecutive wildcard characters at pos 2"),
        (r#"{"a": [{"wildcard": "a\\b"}]}"#, "Invalid escape character at pos 1"),
        (r#"{"a": [{"numeric": 10}]}"#, "Value of numeric must be an array."),
        (r#"{"a": [{"numeric": []}]}"#, "Invalid member in numeric match"),
        (r#"{"a": [{"numeric": [">", 0, ">", 0]}]}"#, "Bad numeric range operator: >"),
        (r#"{"a": [{"numeric": [">", 0, "<"]}]}"#, "Value of < must be numeric"),
        (r#"{"a": [{"numeric": ["<", 5, ">", 0]}]}"#, "Too many elements in numeric expression"),
        (r#"{"a": [{"numeric": ["!", 0]}]}"#, "Unrecognized numeric range operator: !"),
        (r#"{"a": [{"numeric": [">", 5000000001]}]}"#, "Value must be between"),
        (r#"{"a": [{"numeric": [">", 5, "<", 5]}]}"#, "Bottom must be less than top"),
        (r#"{"a": [{"cidr": "10.0.0.0"}]}"#, "Malformed CIDR, one '/' required"),
        (r#"{"a": [{"cidr": "10.0.0.0/x"}]}"#, "mask bits must be an integer"),
        (r#"{"a": [{"cidr": "10.0.0.0/33"}]}"#, "mask bits must be <"),
        (r#"{"a": [{"cidr": "xx.1/8"}]}"#, "Nonstandard IP address: xx.1"),
        (r#"{"a": [{"anything-but": null}]}"#, "Value of anything-but must be an array or single string/number value."),
        (r#"{"a": [{"anything-but": []}]}"#, "Inside anything but list, either all values"),
        (r#"{"a": [{"anything-but": ["x", 1]}]}"#, "mixed type is not supported"),
        (r#"{"a": [{"anything-but": ["x", null]}]}"#, "Inside anything but list, start|null|boolean is not supported."),
        (r#"{"a": [{"anything-but": {"prefix": ""}}]}"#, "Null prefix/suffix not allowed"),
        (r#"{"a": [{"anything-but": {"suffix": [null]}}]}"#, "prefix/suffix match pattern must be a string"),
        (r#"{"a": [{"anything-but": {"numeric": ["=", 1]}}]}"#, "Unsupported anything-but pattern: numeric"),
        (r#"{"$or": {"a": [1]}}"#, "It must be an Array followed with $or."),
        (r#"{"$or": [{"a": [1]}]}"#, "There must have at least 2 Objects in $or relationship."),
        (r#"{"$or": [1, 2]}"#, "Only JSON object is allowed in array of $or relationship."),
    ] {
        let refusal = Pattern::parse(pattern).expect_err(pattern);
        assert_eq!(refusal.code, "InvalidEventPatternException", "{pattern}");
        assert!(refusal.message.starts_with("Event pattern is not valid. Reason: "), "{refusal}");
        assert!(refusal.message.contains(sentence), "{pattern}: {refusal}");
    }
}

#[test]
fn an_or_of_too_many_branches_is_refused() {
    let two = r#"[{"a": [1]}, {"b": [1]}]"#;
    let deep = (0..12).fold(String::new(), |text, at| {
        format!("{text}{}\"f{at}\": {{\"$or\": {two}}}", if at > 0 { "," } else { "" })
    });
    let refusal = Pattern::parse(&format!("{{{deep}}}")).unwrap_err();
    assert!(refusal.message.contains("too complex"), "{refusal}");
}

#[test]
fn a_pattern_tells_the_detail_types_that_it_is_limited_to() {
    let types = |pattern: &str| Pattern::parse(pattern).unwrap().detail_types().map(|types| types.join(" "));
    assert_eq!(types(r#"{"detail-type": ["a", "b"], "source": ["s"]}"#).as_deref(), Some("a b"));
    assert_eq!(types(r#"{"$or": [{"detail-type": ["a"]}, {"detail-type": ["c"]}]}"#).as_deref(), Some("a c"));
    assert_eq!(types(r#"{"$or": [{"detail-type": ["a"]}, {"source": ["c"]}]}"#), None);
    assert_eq!(types(r#"{"detail-type": ["a", {"prefix": "b"}]}"#), None);
    assert_eq!(types(r#"{"source": ["s"]}"#), None);
}

/// Tried each with each, these values would take longer than anybody waits.
#[test]
fn long_arrays_at_several_paths_are_not_tried_each_with_each() {
    let paths = ["a", "b", "c", "d", "e", "f"];
    let values = vec!["\"x\""; 1000].join(",");
    let asked: Vec<_> = paths.iter().map(|path| format!(r#""{path}": ["x"]"#)).collect();
    let said: Vec<_> = paths.iter().map(|path| format!(r#""{path}": [{values}]"#)).collect();
    let event = |last: &str| format!("{{{}, \"z\": \"{last}\"}}", said.join(","));
    let pattern = format!("{{{}, \"z\": [\"y\"]}}", asked.join(","));
    check(&[(&pattern, &[&event("y")], &[&event("n")])]);
}

#[test]
fn what_one_path_lacks_is_found_before_the_elements_of_others_are_tried() {
    let elements = vec![r#"{"v": "x"}"#; 1000].join(",");
    let event = |last: &str| {
        format!(r#"{{"a": [{elements}], "b": [{elements}], "c": [{elements}], "d": [{elements}], "z": "{last}"}}"#)
    };
    let pattern = r#"{"a": {"v": ["x"]}, "b": {"v": ["x"]}, "c": {"v": ["x"]}, "d": {"v": ["x"]}, "z": ["y"]}"#;
    check(&[(pattern, &[&event("y")], &[&event("n"), &event("")])]);
}
