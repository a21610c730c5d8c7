"""Uploads with tuspy: straight, through a line that breaks, and gone on with by another client.

    client.py BASE NAME PASSWORD FOLDER
"""

import os
import socket
import struct
import sys
import threading
import zlib

import requests
from tusclient import client as tus
from tusclient.exceptions import TusCommunicationError

CHUNK = 1 << 20


def png(side, seed):
    """A PNG of noise, so that it is about as long as its pixels."""
    noise = bytearray()
    state = seed
    block = b""
    while len(noise) < side * side * 3:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        block = zlib.crc32(block, state % 2**32).to_bytes(4, "big") + state.to_bytes(8, "big")
        noise += block
    rows = b"".join(b"\0" + bytes(noise[row * side * 3 : (row + 1) * side * 3]) for row in range(side))

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class Line:
    """A way to the server that breaks once after so many bytes from the client."""

    def __init__(self, host, port, breaks_after):
        self.target = (host, port)
        self.left = breaks_after
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.target)
            threading.Thread(target=self._pass, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, False), daemon=True).start()

    def _pass(self, source, target, counts):
        try:
            while data := source.recv(16384):
                if counts and self.left is not None:
                    data, self.left = data[: self.left], self.left - len(data)
                    if self.left <= 0:
                        self.left = None
                        target.sendall(data)
                        break
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main():
    base, name, password, folder = sys.argv[1:]
    session = requests.post(base + "/api/v1/auth/password", json={"name": name, "password": password}, timeout=30)
    session.raise_for_status()
    headers = {"Authorization": "Bearer " + session.json()["access_token"]}
    host, port = base.removeprefix("http://").split(":")

    def photo_of(url):
        seen = requests.get(url, headers=headers, timeout=60)
        seen.raise_for_status()
        assert seen.json()["state"] == "done", seen.text
        return seen.json()["photo_id"]

    def compare(url, data):
        original = requests.get("%s/api/v1/photos/%d/original" % (base, photo_of(url)), headers=headers, timeout=60)
        assert original.content == data, "other bytes came back"

    def uploader(at, data, **more):
        path = os.path.join(folder, "photo.png")
        with open(path, "wb") as file:
            file.write(data)
        client = tus.TusClient(at + "/api/v1/uploads", headers=headers)
        return client.uploader(path, chunk_size=CHUNK, metadata={"filename": "路口.png", "filetype": "image/png"}, **more)

    for seed, checksum in ((1, False), (2, True)):
        data = png(1100, seed)
        straight = uploader(base, data, upload_checksum=checksum)
        straight.upload()
        compare(straight.url, data)

        data = png(1200, seed)
        line = Line(host, int(port), CHUNK + CHUNK // 2)
        broken = uploader(line.base, data, upload_checksum=checksum)
        try:
            broken.upload()
            raise AssertionError("the line did not break")
        except TusCommunicationError:
            pass
        url = base + "/api/v1/uploads/" + broken.url.rsplit("/", 1)[1]
        # What came last may be kept a moment later than it is asked for; then the client is told, and asks again.
        again = uploader(base, data, url=url, upload_checksum=checksum, retries=5, retry_delay=0.2)
        kept = again.offset
        # Bytes whose checksum was not yet compared do not count.
        assert kept == CHUNK if checksum else CHUNK <= kept < 2 * CHUNK, kept
        again.upload()
        compare(url, data)
        print("tus: %d bytes, broken off at %d%s" % (len(data), kept, ", with checksums" if checksum else ""))

    # The client itself tries again.
    data = png(1300, 3)
    patient = uploader(Line(host, int(port), 2 * CHUNK + 1).base, data, retries=5, retry_delay=0.2)
    patient.upload()
    compare(base + "/api/v1/uploads/" + patient.url.rsplit("/", 1)[1], data)

    ended = uploader(base, png(100, 4))
    ended.upload(stop_at=1000)
    answer = requests.delete(ended.url, headers=headers | {"Tus-Resumable": "1.0.0"}, timeout=30)
    assert answer.status_code == 204, answer.text
    assert requests.get(ended.url, headers=headers, timeout=30).status_code == 404


main()
