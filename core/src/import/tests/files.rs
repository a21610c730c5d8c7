//! The file as a whole: header, limits, line numbers, and the report as text.

use super::*;

fn refusal(text: &str) -> &'static str {
    read_calendar(text).unwrap_err().message().code
}

#[test]
fn files_that_are_refused() {
    let cases = [
        ("", "file_empty"),
        ("\u{feff}\r\n\r\n", "file_empty"),
        ("date,name\n", "column_missing"),
        ("date,name,is_off_day,remark\n", "column_unknown"),
        ("date,name,is_off_day,date\n", "column_repeated"),
        ("date;name;is_off_day\n", "column_unknown"),
    ];
    for (text, code) in cases {
        assert_eq!(refusal(text), code, "{text:?}");
    }
    assert_eq!(read_calendar("date,name\n").unwrap_err(), FileError::MissingColumn("is_off_day"));
    assert_eq!(read_calendar("date,nom\n").unwrap_err(), FileError::UnknownColumn("nom".to_owned()));
}

#[test]
fn files_are_bounded() {
    assert_eq!(refusal(&" ".repeat(MAX_BYTES + 1)), "file_too_large");
    let header = "date,name,is_off_day\n";
    let most = format!("{header}{}", "2026-01-01,x,1\n".repeat(MAX_LINES));
    assert_eq!(read_calendar(&most).unwrap().len(), MAX_LINES);
    assert_eq!(refusal(&format!("{most}2026-01-01,x,1\n")), "too_many_lines");
    let long = |chars: usize| {
        let lines = read_calendar(&format!("{header}2026-01-01,{},1\n", "元".repeat(chars))).unwrap();
        codes(&compare_calendar(&lines, &[]))
    };
    assert_eq!(long(MAX_FIELD_CHARS + 1), [["field_too_long"]]);
    assert_eq!(long(MAX_FIELD_CHARS), [["name_invalid"]], "a name is shorter than a field may be");
    assert!(long(100)[0].is_empty());
}

#[test]
fn bytes_that_are_not_utf8_are_told_by_line() {
    // 元旦 in GBK.
    let gbk = b"date,name,is_off_day\n2026-01-01,\xd4\xaa\xb5\xa9,1\n";
    assert_eq!(decode(gbk).unwrap_err(), FileError::NotUtf8(2));
    assert_eq!(decode("日期".as_bytes()).unwrap(), "日期");
}

#[test]
fn bom_order_of_columns_quotes_and_blank_lines() {
    let text = "\u{feff}is_off_day, name ,date\r\n\r\n1,\"元,\"\"旦\"\"\",2026-01-01\r\n,,\r\n\n0,春节,2026-02-14\r\n";
    let lines = read_calendar(text).unwrap();
    let numbers: Vec<usize> = lines.iter().map(|line| line.number).collect();
    assert_eq!(numbers, [3, 6]);
    let days = rows(lines);
    assert_eq!((days[0].name.as_str(), days[0].is_off_day), ("元,\"旦\"", true));
    assert_eq!((days[1].date.to_string().as_str(), days[1].is_off_day), ("2026-02-14", false));
}

#[test]
fn lines_are_numbered_across_quoted_breaks_and_old_line_ends() {
    let numbers =
        |text: &str| -> Vec<usize> { read_calendar(text).unwrap().iter().map(|line| line.number).collect() };
    assert_eq!(numbers("date,name,is_off_day\na,\"x\ny\",1\nb,x,1"), [2, 4]);
    assert_eq!(numbers("date,name,is_off_day\ra,x,1\rb,x,1\r"), [2, 3]);
    assert_eq!(numbers("\n\ndate,name,is_off_day\n   \na,x,1\n"), [5]);
}

#[test]
fn an_open_quote_is_told_and_does_not_swallow_silently() {
    let lines = read_calendar("date,name,is_off_day\n2026-01-01,\"元旦,1\n2026-02-16,春节,1\n").unwrap();
    assert_eq!(codes(&compare_calendar(&lines, &[])), [["field_count"]]);
}

#[test]
fn a_changed_line_says_what_from_what_to_what() {
    let header = "date,name,is_off_day\n";
    let existing = rows(read_calendar(&format!("{header}2026-01-01,元旦,1\n2026-01-02,元旦,1\n")).unwrap());
    let file = "2026-01-01,元旦,1\n2026-01-02,新年,0\n2026-01-03,元旦,1\nx,元旦,1\n";
    let report = compare_calendar(&read_calendar(&format!("{header}{file}")).unwrap(), &existing);
    assert_eq!(report.counts, Counts { new: 1, changed: 1, same: 1, wrong: 1 });
    assert_eq!(report.accepted.len(), 2);
    let english: Vec<String> = report.lines.iter().map(|line| line.to_line(true)).collect();
    assert_eq!(
        english,
        [
            "line 2 2026-01-01 same",
            "line 3 2026-01-02 changed: name: from \"元旦\" to \"新年\"; is_off_day: from \"1\" to \"0\"",
            "line 4 2026-01-03 new",
            "line 5 x wrong: date is \"x\", expected 2000-01-01 … 2100-12-31 (YYYY-MM-DD)",
        ]
    );
    let chinese = report.lines[1].to_line(false);
    assert_eq!(chinese, "第 3 行 2026-01-02 变更：名称：由“元旦”改为“新年”；是否放假：由“1”改为“0”");
}

#[test]
fn the_report_is_json_in_snake_case() {
    let lines = read_calendar("date,name,is_off_day\n2026-01-01,元旦,1\n").unwrap();
    let report = compare_calendar(&lines, &[]);
    let json = serde_json::to_value((&report.lines, report.counts)).unwrap();
    let expected = serde_json::json!([
        [{"line": 2, "key": "2026-01-01", "status": "new", "messages": []}],
        {"new": 1, "changed": 0, "same": 0, "wrong": 0}
    ]);
    assert_eq!(json, expected);
}

#[test]
fn a_key_cannot_steer_the_terminal() {
    let lines = read_calendar("date,name,is_off_day\n\"a\n\u{1b}[2J\",元旦,1\n").unwrap();
    assert!(!compare_calendar(&lines, &[]).lines[0].to_line(true).contains(char::is_control));
}
