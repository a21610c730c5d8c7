//! What lies in every package for whoever verifies it.

/// How a package is verified, in both languages.
pub(super) const VERIFY: &str = "\
核验方法（Linux、macOS 或 Windows 的 Git Bash；需要 openssl 3、sha256sum、python3）
==================================================================================

在解压后的文件夹内依次执行：

1. 公钥。public-key.pem 必须与出具单位另行公布的公钥一致（在其服务器上执行 suishoupai evidence key 可得），
   仅凭包内的公钥不能证明来源：
       openssl pkey -pubin -in public-key.pem -outform DER | sha256sum
   结果应等于 manifest.json 中的 key.id，也等于出具单位公布的值。
2. 签名：
       openssl pkeyutl -verify -rawin -pubin -inkey public-key.pem -sigfile SHA256SUMS.sig -in SHA256SUMS
       openssl pkeyutl -verify -rawin -pubin -inkey public-key.pem -sigfile manifest.json.sig -in manifest.json
   两次均应显示 Signature Verified Successfully。
3. 文件：
       sha256sum -c SHA256SUMS
   每一行均应为 OK（macOS 用 shasum -a 256 -c SHA256SUMS）。
4. 流转记录：
       python3 verify_history.py
   逐行重算哈希链：第 n 行的哈希 = SHA-256(第 n-1 行的哈希 的 32 个字节 + 第 n 行原文)，第一行之前为 32 个零字节；
   并核对照片原件与上报内容的摘要。最后应显示 OK。

各文件的含义：
  manifest.json    包的说明：工具版本、签名公钥、案卷号、流转记录的最后一个哈希、每个文件的 SHA-256
  history.jsonl    流转记录，每行一条，为存储时参与哈希的原文；history.hashes 为每行的哈希
  masks/           照片的打码记录，格式同上（如有）
  reports.json     上报内容；fingerprint 的 SHA-256 记录在流转记录第一行；联系方式为密文，除非另行注明
  photos.json      照片说明；photos/ 为照片原件，文件名为照片编号
manifest.json 中的 problems 列出缺失或与记录不符的照片；正常为空。


How to verify (Linux, macOS or Git Bash on Windows; openssl 3, sha256sum and python3 are needed)
================================================================================================

In the folder into which the package was unpacked:

1. The key. public-key.pem must be the one that the issuing office publishes elsewhere (`suishoupai evidence key` on its
   server prints it); the key in the package alone proves nothing about where it comes from:
       openssl pkey -pubin -in public-key.pem -outform DER | sha256sum
   must give key.id of manifest.json, and what the office publishes.
2. The signatures:
       openssl pkeyutl -verify -rawin -pubin -inkey public-key.pem -sigfile SHA256SUMS.sig -in SHA256SUMS
       openssl pkeyutl -verify -rawin -pubin -inkey public-key.pem -sigfile manifest.json.sig -in manifest.json
   must both say: Signature Verified Successfully.
3. The files:
       sha256sum -c SHA256SUMS
   must say OK for every line (macOS: shasum -a 256 -c SHA256SUMS).
4. The history:
       python3 verify_history.py
   computes the chain again, line by line: the hash of line n is SHA-256(the 32 bytes of the hash of line n-1, then the
   text of line n); before the first line stand 32 zero bytes. It compares the originals of the photos and the reports
   with what the lines name. It must end with OK.

What the files are:
  manifest.json    about the package: version of the tool, key, number of the ticket, last hash of the history, and the
                   SHA-256 of every file
  history.jsonl    the history, one line each, in the text that was stored and hashed; history.hashes has their hashes
  masks/           what was made unreadable in photos shown to people, in the same form, if there is any
  reports.json     what was reported; the SHA-256 of `fingerprint` stands in the first line of the history; contacts are
                   sealed unless it says otherwise
  photos.json      about the photos; photos/ has the originals, named by the key of the photo
`problems` in manifest.json names photos that are missing or not as they were recorded; it should be empty.
";

/// Recomputes the chains of a package, with nothing but Python's own library.
pub(super) const SCRIPT: &str = r#"#!/usr/bin/env python3
"""Recomputes the hash chains of this package and compares photos and reports with what they name."""
import hashlib, json, pathlib, sys

here = pathlib.Path(__file__).resolve().parent
faults = []


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def chain(lines_file, hashes_file):
    texts = lines_file.read_bytes().split(b"\n")[:-1]
    hashes = hashes_file.read_text().split()
    previous = bytes(32)
    if len(texts) != len(hashes):
        faults.append(f"{lines_file.name}: {len(texts)} lines, {len(hashes)} hashes")
    for number, (text, expected) in enumerate(zip(texts, hashes), 1):
        previous = hashlib.sha256(previous + text).digest()
        if previous.hex() != expected:
            faults.append(f"{lines_file.name}: line {number} does not agree with its hash")
            break
    return [json.loads(text) for text in texts], previous.hex()


manifest = json.loads((here / "manifest.json").read_text(encoding="utf-8"))
events, head = chain(here / "history.jsonl", here / "history.hashes")
if head != manifest["chain"]["head"]:
    faults.append("the last hash is not the one of the manifest")
for mask in sorted((here / "masks").glob("*.jsonl")):
    chain(mask, mask.with_suffix(".hashes"))
named = {photo["id"]: photo["sha256"] for event in events for photo in event.get("photos", [])}
files = {int(path.stem): path for path in (here / "photos").glob("*")}
for photo, expected in sorted(named.items()):
    if photo not in files:
        faults.append(f"photo {photo} is not in the package")
    elif sha256(files[photo].read_bytes()) != expected:
        faults.append(f"photo {photo} is not the one that the history names")
bound = {event["facts"]["receipt"]: event["facts"]["report_sha256"]
         for event in events if "report_sha256" in event.get("facts", {})}
for report in json.loads((here / "reports.json").read_text(encoding="utf-8")):
    expected = bound.get(report["receipt"])
    if expected and sha256(report["fingerprint"].encode("utf-8")) != expected:
        faults.append(f"report {report['receipt']} is not the one that the history names")
for fault in faults:
    print("FAULT:", fault)
print(f"{len(events)} lines, {len(named)} photos:", "OK" if not faults else "NOT OK")
sys.exit(1 if faults else 0)
"#;
