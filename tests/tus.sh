#!/usr/bin/env bash
# Uploads with a tus client that others wrote (tuspy), over connections that break in the middle, to the running server.
# The server runs the demonstration in a folder of its own, and everything is removed at the end.
#
# TUS_PROGRAM names a built program; without it the debug one is built. TUSPY_PYTHON names a Python that has tuspy; without
# it the pinned version is installed once into the user's cache.
set -euo pipefail

readonly VERSION=1.1.0
readonly PASSWORD=demo-Siming-2026

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
server=

cleanup() {
    local status=$?
    if [[ -n $server ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf -- "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    printf 'tus: %s\n' "$1" >&2
    exit 1
}

find_program() {
    if [[ -n ${TUS_PROGRAM:-} ]]; then
        program=$TUS_PROGRAM
        return
    fi
    cargo build --quiet --package suishoupai-api
    program=${CARGO_TARGET_DIR:-target}/debug/suishoupai
}

# The client, in exactly the pinned version.
find_client() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/suishoupai/tuspy-$VERSION
    python=${TUSPY_PYTHON:-$folder/bin/python}
    if [[ ! -x $python && -z ${TUSPY_PYTHON:-} ]]; then
        rm -rf -- "$folder"
        python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check "tuspy==$VERSION" ||
            { rm -rf -- "$folder"; fail "tuspy $VERSION cannot be installed; name a Python that has it by TUSPY_PYTHON"; }
    fi
    [[ $("$python" -c 'from importlib.metadata import version; print(version("tuspy"))') == "$VERSION" ]] ||
        fail "$python has not tuspy $VERSION"
}

# Starts the server on a free port and sets `base`, which its first line ends with.
start_server() {
    : >"$work/out" >"$work/log"
    "$program" serve --demo --data "$work/data" --listen 127.0.0.1:0 >"$work/out" 2>"$work/log" &
    server=$!
    for _ in $(seq 300); do
        kill -0 "$server" 2>/dev/null || { cat "$work/log" >&2; fail 'the server did not start'; }
        base=$(sed -n '1s/.* \(http:[^ ]*\)$/\1/p' "$work/out")
        [[ -z $base ]] || return 0
        sleep 0.1
    done
    fail 'the server did not tell its address within 30 seconds'
}

find_program
find_client
start_server
NO_PROXY=127.0.0.1 "$python" tests/tus/client.py "$base" grid1 "$PASSWORD" "$work"
kill -0 "$server" 2>/dev/null || fail 'the server has died'
! grep -E 'panicked at|a request failed' "$work/log" >&2 || fail 'the server logged errors'
echo 'tus: all uploads arrived'
