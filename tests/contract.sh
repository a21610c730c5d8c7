#!/usr/bin/env bash
# Holds the running server to its contract: openapi.yaml is what the program writes, and schemathesis, with every
# check on, finds no answer that the contract does not promise. The server runs the demonstration in a folder of its
# own, and everything is removed at the end.
#
#   tests/contract.sh            all roles, two at a time, each with a server of its own
#   tests/contract.sh grid1      one role: resident, or the sign-in name of a demonstration account
#
# CONTRACT_PROGRAM names a built program; without it the debug one is built. SCHEMATHESIS names an installed `st`;
# without it the pinned version is installed once into the user's cache.
set -euo pipefail

readonly VERSION=4.32.5
readonly SEED=20261122
readonly PHONE=13800000013
readonly PASSWORD=demo-Siming-2026

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
server=

cleanup() {
    local status=$?
    if [[ -n $server ]]; then
        # Nobody else takes over here, so it need not go on serving for a while.
        kill -INT "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf -- "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    printf 'contract: %s\n' "$1" >&2
    exit 1
}

# The program that is tested.
find_program() {
    if [[ -n ${CONTRACT_PROGRAM:-} ]]; then
        program=$CONTRACT_PROGRAM
        return
    fi
    cargo build --quiet --package suishoupai-api
    program=${CARGO_TARGET_DIR:-target}/debug/suishoupai
}

# The tool that tests it, in exactly the pinned version: others find other things.
find_schemathesis() {
    local folder=${XDG_CACHE_HOME:-$HOME/.cache}/suishoupai/schemathesis-$VERSION
    st=${SCHEMATHESIS:-$folder/bin/st}
    if [[ ! -x $st ]]; then
        [[ -z ${SCHEMATHESIS:-} ]] || fail "SCHEMATHESIS=$st cannot be run"
        python3 -m venv "$folder"
        "$folder/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$VERSION"
    fi
    "$st" --version | grep -qF "$VERSION" || fail "$st is not version $VERSION"
}

# Starts the server on a free port and sets `base`, which its first line ends with.
start_server() {
    # The files are there before they are read: the server's shell may come later than the loop.
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

# post PATH JSON [TOKEN]: the body of the answer; fails on a refusal.
post() {
    curl --silent --show-error --fail-with-body --header 'content-type: application/json' \
        ${3:+--header "authorization: Bearer $3"} --data "$2" "$base/api/v1$1"
}

# member NAME: its first value in the JSON on the input.
member() {
    grep -o "\"$1\":\"\?[^\",}]*" | head -n 1 | sed 's/^[^:]*:"\?//'
}

resident_token() {
    post /auth/codes "{\"phone\":\"$PHONE\"}" >/dev/null
    local code
    code=$(sed -n 's/.*suishoupai::code.*sign-in code \([0-9]\{6\}\) .*/\1/p' "$work/log" | tail -n 1)
    post /auth/phone "{\"phone\":\"$PHONE\",\"code\":\"$code\"}" | member access_token
}

official_token() {
    post /auth/password "{\"name\":\"$1\",\"password\":\"$PASSWORD\"}" | member access_token
}

# Sends a few reports at the demonstration's point, has the grid there and a department supervised, and lets the tests
# use the keys of what is there, beside keys at random, so that they reach more than 404.
make_rows() {
    local place='{"lon":118.0799949,"lat":24.4479949,"datum":"wgs84"}' reports=() tickets=() orders=() answer
    local centre unit due
    for text in 垃圾满溢 路灯不亮 井盖缺失; do
        answer=$(post /reports "{\"text\":\"$text\",\"place\":$place}" "$resident")
        reports+=("$(member id <<<"$answer")")
        tickets+=("$(member ticket_id <<<"$answer")")
    done
    centre=$(official_token dispatcher)
    due=$(date -u -d '+9 days' +%FT%TZ)
    for unit in "$(member code <<<"$answer")" D03; do
        answer=$(post /supervision-orders \
            "{\"unit_code\":\"$unit\",\"tickets\":[${tickets[0]}],\"due_at\":\"$due\"}" "$centre")
        orders+=("$(member id <<<"$answer")")
    done
    cp tests/schemathesis.toml "$work/schemathesis.toml"
    rows reports "${reports[@]}"
    rows tickets "${tickets[@]}"
    rows supervision-orders "${orders[@]}"
}

# rows NAME KEY...: adds the keys for `{id}` below /NAME to the settings of this run.
rows() {
    local keys
    keys=$(IFS=,; echo "${*:2}")
    cat >>"$work/schemathesis.toml" <<TOML

[dictionaries.$1]
values = [$keys]

[[operations]]
include-path-regex = "/$1/\\\\{id\\\\}"
parameters = { "path.id" = { dictionary = "$1", probability = 0.7 } }
TOML
}

# check ROLE TOKEN [OPTION...]: one run of schemathesis as this caller.
check() {
    printf '== %s\n' "$1"
    SCHEMATHESIS_HOOKS=tests/schemathesis_hooks.py "$st" --config-file "$work/schemathesis.toml" run openapi.yaml --url "$base" --seed "$SEED" --checks all \
        --max-examples 10 --continue-on-failure --header "Authorization: Bearer $2" "${@:3}"
}

# all_roles: every role with a server of its own, so that what one does is not what another meets. One run keeps a core
# busy, almost all of it in the tool, so two go side by side.
all_roles() {
    export CONTRACT_PROGRAM=$program SCHEMATHESIS=$st
    printf '%s\n' resident grid1 dispatcher chief head admin |
        xargs -P 2 -I{} bash -c '"$0" {} >"$1/{}.log" 2>&1 || { cat "$1/{}.log"; exit 1; }; tail -n 1 "$1/{}.log"' \
            "$PWD/tests/contract.sh" "$work" || fail 'answers that the contract does not promise; see above'
}

find_program
find_schemathesis
"$program" openapi >"$work/openapi.yaml"
diff -u openapi.yaml "$work/openapi.yaml" >&2 ||
    fail 'openapi.yaml is not what the program writes; write it with: suishoupai openapi > openapi.yaml'
if [[ $# == 0 ]]; then
    all_roles
    exit
fi
start_server
resident=$(resident_token)
make_rows

for role in "$@"; do
    case $role in
        resident) check resident "$resident" ;;
        # What these add to the others is what only they may do.
        dispatcher)
            check "$role" "$(official_token "$role")" --include-tag tickets --include-tag commands \
                --include-tag supervision
            ;;
        chief | head) check "$role" "$(official_token "$role")" --include-tag commands ;;
        admin) check "$role" "$(official_token "$role")" --include-tag administration --include-tag tickets ;;
        *) check "$role" "$(official_token "$role")" ;;
    esac
done
kill -0 "$server" 2>/dev/null || fail 'the server has died'
# What the HTTP library calls an error of its stream is a malformed request, which is the client's.
! grep -E 'panicked at|a request failed' "$work/log" >&2 || fail 'the server logged errors'
echo "contract: nothing found as $*"
