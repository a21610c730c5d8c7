//! The password taken out of a database URL: other processes see the command line of a tool, but not its environment.

/// The URL without its password, and the password.
pub(super) fn apart(url: &str) -> (String, Option<String>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let (address, query) = match rest.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (rest, None),
    };
    let mut password = None;
    // As libpq reads it: the user and password end at the first @ before any /.
    let host_at = address.find(['@', '/']).filter(|at| address.as_bytes().get(*at) == Some(&b'@'));
    let mut plain = format!("{scheme}://");
    match host_at.and_then(|at| address.split_at_checked(at)) {
        Some((person, host)) => {
            let (user, secret) =
                person.split_once(':').map_or((person, None), |(user, secret)| (user, Some(secret)));
            password = secret.map(decode);
            plain.push_str(user);
            plain.push_str(host);
        }
        None => plain.push_str(address),
    }
    let mut mark = '?';
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        match pair.strip_prefix("password=") {
            Some(secret) => password = Some(decode(secret)),
            None => {
                plain.push(mark);
                plain.push_str(pair);
                mark = '&';
            }
        }
    }
    (plain, password)
}

/// Percent-encoded text as it is meant; what is not well encoded stays as it is.
fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let mut byte = [*first];
        rest = after;
        if *first == b'%'
            && let Some((digits, after)) = after.split_at_checked(2)
            && hex::decode_to_slice(digits, &mut byte).is_ok()
        {
            rest = after;
        }
        out.extend(byte);
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_found_wherever_libpq_finds_it() {
        let rows = [
            ("postgres://ssp@h:1/d", "postgres://ssp@h:1/d", None),
            ("postgres://ssp:pa%40ss%2F1@h:1/d", "postgres://ssp@h:1/d", Some("pa@ss/1")),
            ("postgresql://u:p@/d?host=/tmp/s", "postgresql://u@/d?host=/tmp/s", Some("p")),
            ("postgres://h/d?password=x%20y&sslmode=disable", "postgres://h/d?sslmode=disable", Some("x y")),
            ("postgres://u@h/d?sslmode=disable&password=z", "postgres://u@h/d?sslmode=disable", Some("z")),
            ("postgres://h/d@e", "postgres://h/d@e", None),
            ("postgres://u:%zz@h/d", "postgres://u@h/d", Some("%zz")),
            ("postgres://u:100%@h/d", "postgres://u@h/d", Some("100%")),
        ];
        for (url, plain, password) in rows {
            assert_eq!(apart(url), (plain.to_owned(), password.map(str::to_owned)), "{url}");
        }
    }
}
