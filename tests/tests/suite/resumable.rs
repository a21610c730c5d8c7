//! Uploads by the tus protocol: its rules, who may do what, and what is refused.

use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use suishoupai_tests::{Caller, Engine, Resident, Server, both, cut, jpeg, jpeg_from_phone};

both!(
    an_upload_goes_on_where_it_was,
    the_server_says_what_it_can_do,
    what_breaks_the_protocol_is_refused,
    bytes_that_a_checksum_does_not_fit_do_not_count,
    bytes_may_come_with_the_creation,
    the_same_bytes_are_sent_once,
    what_is_no_photo_is_refused_at_the_end,
    a_method_may_come_in_a_header
);

/// `sha256` as metadata.
fn claim(bytes: &[u8]) -> String {
    format!("sha256 {}", base64(hex::encode(Sha256::digest(bytes)).as_bytes()))
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = bytes.chunks(3).flat_map(|three| {
        let all =
            three.iter().fold(0_u32, |all, byte| all << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        (0..4).map(move |place| {
            let letter = LETTERS[(all >> (18 - 6 * place) & 63) as usize];
            if place <= three.len() { char::from(letter) } else { '=' }
        })
    });
    letters.collect()
}

/// Sends a whole file in pieces; the key of the photo.
pub(crate) fn sent(caller: &Caller, bytes: &[u8], piece: usize) -> i64 {
    let path = caller.create(bytes.len(), "");
    let mut photo = String::new();
    for (number, part) in bytes.chunks(piece).enumerate() {
        let reply = caller.append(&path, number * piece, part);
        reply.header("photo-id").clone_into(&mut photo);
    }
    photo.parse().unwrap()
}

/// Nothing in the store is only half there.
pub(crate) fn nothing_is_left(server: &Server) {
    let left: Vec<String> = server.stored().into_iter().filter(|key| key.starts_with("upload/")).collect();
    assert!(left.is_empty(), "{left:?}");
}

fn an_upload_goes_on_where_it_was(engine: Engine) {
    let server = Server::start(engine);
    let twin = server.twin();
    let resident = server.resident();
    let bytes = jpeg_from_phone();
    let metadata = format!("filename {},filetype {}", base64("路口.jpg".as_bytes()), base64(b"image/jpeg"));
    let path = resident.create(bytes.len(), &metadata);

    let (third, more) = (bytes.len() / 3, bytes.len() / 2);
    let first = resident.append(&path, 0, &bytes[..third]);
    assert!(first.header("upload-expires").ends_with(" GMT"), "{:?}", first.headers);
    assert_eq!(server.rows().photos, 0);
    let seen = resident.get(&path).expect(200);
    assert_eq!(
        (&seen["state"], &seen["offset"], &seen["length"]),
        (&json!("receiving"), &json!(third), &json!(bytes.len()))
    );
    let head = Caller::send(resident.tus(Method::HEAD, &path));
    for (name, value) in [
        ("upload-offset", third.to_string().as_str()),
        ("upload-length", bytes.len().to_string().as_str()),
        ("upload-metadata", metadata.as_str()),
        ("cache-control", "no-store"),
        ("tus-resumable", "1.0.0"),
    ] {
        assert_eq!(head.header(name), value, "{name}");
    }

    // Another process goes on with it.
    let elsewhere = Caller::clone(&suishoupai_tests::caller(twin.base())).with_token(resident.token());
    elsewhere.append(&path, third, &bytes[third..more]);
    let last = resident.append(&path, more, &bytes[more..]);
    let photo: i64 = last.header("photo-id").parse().unwrap();
    let seen = resident.get(&path).expect(200);
    assert_eq!((&seen["state"], &seen["photo_id"]), (&json!("done"), &json!(photo)));
    assert_eq!(resident.offset(&path), bytes.len());
    assert_eq!(resident.get(&format!("photos/{photo}")).expect(200)["orientation"], 6);
    assert_eq!(resident.get(&format!("photos/{photo}/original")).body, bytes);
    nothing_is_left(&server);

    // Sent again, the last request finds its work done.
    assert_eq!(resident.append(&path, bytes.len(), b"").header("photo-id"), photo.to_string());
    let mut draft = Resident::draft("路灯不亮");
    draft["photo_ids"] = json!([photo]);
    resident.post("reports", &draft).expect(201);
}

fn the_server_says_what_it_can_do(engine: Engine) {
    let server = Server::start_with(engine, |config| config.photos.max_bytes = 70_000);
    let answer = Caller::send(server.nobody().request(Method::OPTIONS, "uploads"));
    assert_eq!(answer.status, 204);
    for (name, value) in [
        ("tus-resumable", "1.0.0"),
        ("tus-version", "1.0.0"),
        ("tus-extension", "creation,creation-with-upload,checksum,expiration,termination"),
        ("tus-checksum-algorithm", "sha256,sha1"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let most: usize = answer.header("tus-max-size").parse().unwrap();
    assert!(most >= 70_000, "{most}");
    server.resident().try_create(most + 1, "").problem(413, "video_too_large");
    // "image/jpeg" has the bound of photos.
    server.resident().try_create(70_001, "filetype aW1hZ2UvanBlZw==").problem(413, "photo_too_large");
    server.resident().create(most, "");
}

fn what_breaks_the_protocol_is_refused(engine: Engine) {
    let server = Server::start(engine);
    let (resident, other) = (server.resident(), server.resident());
    let path = resident.create(100, "");
    resident.append(&path, 0, &[7; 10]);
    let create = || resident.tus(Method::POST, "uploads");
    let sized = |length: &str| create().header("upload-length", length.to_owned());
    let media_type = "application/offset+octet-stream";
    let patch = |who: &Caller, path: &str, offset: &str| {
        let request = who.tus(Method::PATCH, path).header("upload-offset", offset.to_owned());
        request.header("content-type", media_type).body(vec![7; 10])
    };
    let bare = |method: Method, path: &str| resident.request(method, path);
    let with = |name: &str, value: &str| sized("10").header(name, value.to_owned());
    let rows: Vec<(&str, RequestBuilder, u16, &str)> = vec![
        ("POST without the version", bare(Method::POST, "uploads"), 412, "tus_version_unsupported"),
        ("HEAD without the version", bare(Method::HEAD, &path), 412, ""),
        ("DELETE without the version", bare(Method::DELETE, &path), 412, "tus_version_unsupported"),
        (
            "another version",
            bare(Method::PATCH, &path).header("tus-resumable", "0.2.2"),
            412,
            "tus_version_unsupported",
        ),
        ("no length", create(), 400, "invalid_header"),
        ("a length below zero", sized("-1"), 400, "invalid_header"),
        ("no number", sized("ten"), 400, "invalid_header"),
        ("nothing", sized("0"), 422, "photo_empty"),
        ("a terabyte", sized("1099511627776"), 413, "video_too_large"),
        ("a length to come", create().header("upload-defer-length", "1"), 400, "invalid_header"),
        ("metadata that are none", with("upload-metadata", "filename *"), 400, "invalid_header"),
        ("a digest that is none", with("upload-metadata", "sha256 YQ=="), 400, "invalid_header"),
        ("a body of another type", sized("10").body(vec![7; 10]), 415, "unsupported_media_type"),
        (
            "nobody",
            server.nobody().tus(Method::POST, "uploads").header("upload-length", "10"),
            401,
            "unauthenticated",
        ),
        (
            "PATCH of another type",
            resident.tus(Method::PATCH, &path).header("upload-offset", "10").body(vec![7; 10]),
            415,
            "unsupported_media_type",
        ),
        (
            "no offset",
            resident.tus(Method::PATCH, &path).header("content-type", media_type).body(vec![7; 10]),
            400,
            "invalid_header",
        ),
        ("an offset before", patch(&resident, &path, "0"), 409, "upload_offset_mismatch"),
        ("an offset behind", patch(&resident, &path, "11"), 409, "upload_offset_mismatch"),
        ("no such offset", patch(&resident, &path, "1.0"), 400, "invalid_header"),
        ("more than announced", patch(&resident, &path, "10").body(vec![7; 91]), 413, "body_too_large"),
        (
            "an unknown algorithm",
            patch(&resident, &path, "10").header("upload-checksum", "md5 1B2M2Y8AsgTpgAmY7PhCfg=="),
            400,
            "invalid_header",
        ),
        ("somebody else's", patch(&other, &path, "10"), 404, "upload_not_found"),
        ("somebody else's state", other.request(Method::GET, &path), 404, "upload_not_found"),
        ("somebody else's end", other.tus(Method::DELETE, &path), 404, "upload_not_found"),
        ("none", patch(&resident, "uploads/999999", "0"), 404, "upload_not_found"),
        ("no key", patch(&resident, "uploads/x", "0"), 400, "invalid_path"),
        ("another method", bare(Method::PUT, &path), 405, "method_not_allowed"),
    ];
    for (what, request, status, code) in rows {
        let reply = Caller::send(request);
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        assert_eq!(reply.header("tus-resumable"), "1.0.0", "{what}");
        if status == 412 {
            assert_eq!(reply.header("tus-version"), "1.0.0", "{what}");
        }
        if code == "upload_offset_mismatch" {
            assert_eq!(reply.json()["offset"], 10, "{what}");
        }
        // An answer to HEAD has no body.
        if !code.is_empty() {
            reply.problem(status, code);
        }
    }
    assert_eq!(resident.offset(&path), 10, "nothing of all this counted");
    assert_eq!(server.stored().len(), 1);
}

fn bytes_that_a_checksum_does_not_fit_do_not_count(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let path = resident.create(bytes.len(), "");
    let piece = |offset: usize, bytes: &[u8], checksum: &str| {
        let request = resident.tus(Method::PATCH, &path).header("upload-offset", offset);
        let request = request.header("content-type", "application/offset+octet-stream");
        Caller::send(request.header("upload-checksum", checksum.to_owned()).body(bytes.to_vec()))
    };
    let sha256 = |bytes: &[u8]| format!("sha256 {}", base64(&Sha256::digest(bytes)));
    // By FIPS 180, the digest of "abc".
    let of_abc = "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";
    piece(0, b"abd", of_abc).problem(460, "upload_checksum_mismatch");
    piece(0, &bytes[..100], &sha256(&bytes[..99])).problem(460, "upload_checksum_mismatch");
    assert_eq!((resident.offset(&path), server.stored().len()), (0, 0));
    assert_eq!(piece(0, &bytes[..100], &sha256(&bytes[..100])).status, 204);
    assert_eq!(piece(100, &bytes[100..], &sha256(&bytes[100..])).status, 204);
    assert_eq!(server.rows().photos, 1);

    let path = resident.create(3, "");
    let request = resident.tus(Method::PATCH, &path).header("upload-offset", "0");
    let request = request.header("content-type", "application/offset+octet-stream");
    // The bytes are right, and no photo.
    let whole = Caller::send(request.header("upload-checksum", of_abc).body("abc"));
    whole.problem(415, "photo_type_unsupported");
}

fn bytes_may_come_with_the_creation(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let create = |first: &[u8]| {
        let request = resident.tus(Method::POST, "uploads").header("upload-length", bytes.len());
        request.header("content-type", "application/offset+octet-stream").body(first.to_vec())
    };
    let begun = Caller::send(create(&bytes[..100]));
    assert_eq!((begun.status, begun.header("upload-offset")), (201, "100"), "{}", begun.text());
    let last = resident.append(begun.header("location"), 100, &bytes[100..]);
    let whole = Caller::send(create(&bytes));
    assert_eq!((whole.status, whole.header("upload-offset")), (201, bytes.len().to_string().as_str()));
    assert_eq!(whole.header("photo-id"), last.header("photo-id"), "the same bytes are the same photo");

    let wrong = create(&bytes[..10]).header("upload-checksum", "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
    Caller::send(wrong).problem(460, "upload_checksum_mismatch");
    Caller::send(create(&[bytes.as_slice(), b"more"].concat())).problem(413, "body_too_large");
    server.advance_seconds(49 * 3600);
    assert_eq!(server.sweep_resumable(), 4);
    nothing_is_left(&server);
}

fn the_same_bytes_are_sent_once(engine: Engine) {
    let server = Server::start(engine);
    let (resident, other) = (server.resident(), server.resident());
    let bytes = jpeg(64, 48);
    let create = |who: &Caller| who.try_create(bytes.len(), &claim(&bytes));
    let path = resident.create(bytes.len(), &claim(&bytes));
    resident.append(&path, 0, &bytes[..50]);
    // The answer to the creation was lost: the upload goes on.
    let again = create(&resident);
    assert_eq!(
        (again.status, again.header("location"), again.header("upload-offset")),
        (201, path.as_str(), "50")
    );
    assert_ne!(create(&other).header("location"), path);
    let photo = resident.append(&path, 50, &bytes[50..]).header("photo-id").to_owned();

    let known = create(&resident);
    assert_eq!((known.status, known.header("upload-offset")), (201, bytes.len().to_string().as_str()));
    assert_eq!(known.header("photo-id"), photo);
    // A photo that came in another way is known as well.
    let uploaded = other.upload(&bytes).to_string();
    other.append(create(&other).header("location"), 0, &bytes);
    let direct = jpeg(65, 48);
    let id = resident.upload(&direct).to_string();
    let known = resident.try_create(direct.len(), &claim(&direct));
    assert_eq!(known.header("photo-id"), id);
    assert_eq!(resident.offset(known.header("location")), direct.len());
    assert_ne!(uploaded, photo);
    let again = resident.try_create(direct.len(), &claim(&direct));
    assert_eq!(again.header("location"), known.header("location"), "it is remembered once");
    // Bytes of another length are other bytes.
    assert_eq!(resident.try_create(7, &claim(&direct)).header("photo-id"), "");
    assert_eq!(server.rows().photos, 3);
    let original = |key: &&String| key.starts_with("original/");
    assert_eq!(server.stored().iter().filter(original).count(), 2, "stored once for both accounts");
}

fn what_is_no_photo_is_refused_at_the_end(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let whole = jpeg(64, 48);
    let mut other = whole.clone();
    other[100] ^= 1;
    let text = b"this is not a picture, whatever its name says";
    let rows = [
        (text.as_slice(), String::new(), 415, "photo_type_unsupported"),
        (&cut(&whole), String::new(), 422, "photo_truncated"),
        (&whole, claim(&other), 422, "upload_mismatch"),
    ];
    for (bytes, metadata, status, code) in rows {
        let path = resident.create(bytes.len(), &metadata);
        resident.append(&path, 0, &bytes[..10]);
        let told = resident.try_append(&path, 10, &bytes[10..]).problem(status, code);
        let again = resident.get(&path).problem(status, code);
        assert_eq!(again["detail"], told["detail"]);
        let english = resident.in_english().get(&path).problem(status, code);
        assert_ne!(english["title"], told["title"]);
        assert_eq!(Caller::send(resident.tus(Method::HEAD, &path)).status, status);
        assert_eq!(resident.try_append(&path, bytes.len(), b"").status, status);
    }
    assert_eq!(server.rows().photos, 0);
    assert!(server.stored().is_empty(), "{:?}", server.stored());
    // What was refused does not stand in the way of the right bytes.
    let path = resident.create(whole.len(), &claim(&whole));
    resident.append(&path, 0, &whole);
}

fn a_method_may_come_in_a_header(engine: Engine) {
    let server = Server::start(engine);
    let resident = server.resident();
    let bytes = jpeg(64, 48);
    let path = resident.create(bytes.len(), "");
    let as_post =
        |method: &'static str| resident.tus(Method::POST, &path).header("x-http-method-override", method);
    let patch = as_post("PATCH").header("content-type", "application/offset+octet-stream");
    assert_eq!(Caller::send(patch.header("upload-offset", "0").body(bytes[..9].to_vec())).status, 204);
    let head = Caller::send(as_post("HEAD"));
    assert_eq!((head.status, head.header("upload-offset")), (200, "9"));
    assert_eq!(Caller::send(as_post("DELETE")).status, 204);
    resident.get(&path).problem(404, "upload_not_found");
    // Elsewhere it means nothing.
    let elsewhere = resident.request(Method::POST, "photos/1").header("x-http-method-override", "GET");
    Caller::send(elsewhere).problem(405, "method_not_allowed");
}
