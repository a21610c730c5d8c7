//! What a storm was like: a table in the terminal, and a page.

/// One kind of request.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) count: u64,
    pub(crate) errors: u64,
    /// Milliseconds within which 50, 90, 99 and 99.9 of 100 were answered, and the longest.
    pub(crate) ms: [f64; 5],
}

const HEADS: [&str; 5] = ["p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "max ms"];

pub(crate) fn print(facts: &[String], rows: &[Row]) {
    for fact in facts {
        println!("{fact}");
    }
    let heads: Vec<String> = HEADS.iter().map(|head| format!("{head:>9}")).collect();
    println!("{:<14} {:>8} {:>7} {}", "", "answers", "errors", heads.join(" "));
    for row in rows {
        let times: Vec<String> = row.ms.iter().map(|ms| format!("{ms:>9.2}")).collect();
        println!("{:<14} {:>8} {:>7} {}", row.kind, row.count, row.errors, times.join(" "));
    }
}

/// A page without anything from elsewhere; bars are on a scale of powers of ten.
pub(crate) fn html(facts: &[String], rows: &[Row]) -> String {
    let width = |ms: f64| (ms.max(0.1).log10() + 1.0).clamp(0.0, 6.0) / 6.0 * 100.0;
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>suishoupai: a storm evening</title>\
         <style>body{font:14px sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:right}\
         td:first-child,th:first-child{text-align:left}.bar{position:relative;width:20em;height:1em;background:#eee}\
         .bar i{position:absolute;left:0;top:0;height:100%;background:#36c;opacity:.35}</style>\
         <h1>A storm evening</h1><ul>",
    );
    for fact in facts {
        page += &format!("<li>{fact}</li>");
    }
    page += "</ul><table><tr><th></th><th>answers</th><th>errors</th>";
    for head in HEADS {
        page += &format!("<th>{head}</th>");
    }
    page += "<th>p50, p99 and max, 0.1 ms to 100 s</th></tr>";
    for row in rows {
        page += &format!("<tr><td>{}</td><td>{}</td><td>{}</td>", row.kind, row.count, row.errors);
        for ms in row.ms {
            page += &format!("<td>{ms:.2}</td>");
        }
        let [p50, _, p99, _, most] = row.ms;
        let bars: String =
            [most, p99, p50].map(|ms| format!("<i style=\"width:{:.1}%\"></i>", width(ms))).concat();
        page += &format!("<td><div class=\"bar\">{bars}</div></td></tr>");
    }
    page + "</table><p>Times are counted from when a request was to be sent, whether or not the server kept up.</p></html>"
}
