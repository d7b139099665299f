#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What vidimus writes, read by the Go project's own note and tlog packages (see main.go).
#
#     test.sh [BUILD_DIR]      the checker stays behind as BUILD_DIR/interop-go
#
# Needs Debian's golang-go and golang-golang-x-mod-dev, openssl, and no network.
# Exit status: 0 all as it should be, 1 not, 77 no Go here, nothing checked.
# shellcheck disable=SC2086  # $all_keys and $ledger_keys are lists: one word is one key
set -eu

here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../../.." && pwd)
shared=${VIDIMUS_SHARED:-$project/../shared}
gopath=/usr/share/gocode

if ! command -v go >/dev/null || [ ! -d $gopath/src/golang.org/x/mod/sumdb ]; then
    echo "skipped: go and golang.org/x/mod (golang-golang-x-mod-dev) are not installed"
    exit 77
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' HUP INT TERM

# ---- what a check is ----------------------------------------------------------------------------

checks=0

fail() {
    echo "FAILED: $*" >&2
    sed 's/^/    /' "$tmp/out" "$tmp/err" >&2
    exit 1
}

run() {
    checks=$((checks + 1)) status=0
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
}

# accepts OUTPUT COMMAND...: succeeds and prints exactly this.
accepts() {
    expected=$1
    shift
    run "$@"
    if [ $status -ne 0 ] || [ "$(cat "$tmp/out")" != "$expected" ]; then
        fail "expected '$expected', got status $status: $*"
    fi
}

# refuses REASON COMMAND...: exit status 1 and nothing else, no output, and for this reason: a check
# that fails for another one has not seen what it was made for.
refuses() {
    reason=$1
    shift
    run "$@"
    if [ $status -ne 1 ] || [ -s "$tmp/out" ] || ! grep -qF -e "$reason" "$tmp/err"; then
        fail "expected refusal ($reason), got status $status: $*"
    fi
}

# flip FILE: changes the lowest bit of its first byte.
flip() {
    first=$(od -An -tu1 -N1 "$1")
    # shellcheck disable=SC2059  # the format is the octal escape of one byte
    printf "\\$(printf %o $((first ^ 1)))" | dd of="$1" conv=notrunc 2>"$tmp/dd"
}

# edit FILE SED-SCRIPT: in place, and only if it changes something.
edit() {
    sed "$2" "$1" >"$tmp/edited"
    if cmp -s "$tmp/edited" "$1"; then fail "no change: sed '$2' $1"; fi
    cp "$tmp/edited" "$1"
}

# ---- notes --------------------------------------------------------------------------------------

# notes VECTORS: each entry opens with its signer's key; none with a byte or a signature changed.
notes() {
    authority=$(cat "$1/keys/authority.pub")
    for entry in "$1"/entries/*; do
        signer=$(sed -n 's/^signer //p' "$entry")
        accepts "$signer" "$interop" note "$entry" $all_keys

        cat "$entry" >"$tmp/note" # cp would keep a read-only mode
        flip "$tmp/note"
        refuses "invalid signature" "$interop" note "$tmp/note" $all_keys
    done
    entry=$1/entries/000000
    refuses "no verifiable signatures" "$interop" note "$entry" $ledger_keys
    refuses "malformed verifier id" "$interop" note "$entry" "$authority+"
    refuses "invalid verifier hash" "$interop" note "$entry" "x$authority"

    # Entries 0 and 1 are both by the authority: its signature of the one does not fit the other.
    { sed '$d' "$entry"; tail -n 1 "$1/entries/000001"; } >"$tmp/note"
    refuses "invalid signature" "$interop" note "$tmp/note" "$authority"
}

# ---- bundles ------------------------------------------------------------------------------------

# bundles VECTORS: every one there, the sample with all entries of the ledger, and what must not pass.
bundles() {
    for tar in "$1"/*.tar; do
        unpack "$tar" "$tmp/bundle"
        some=$(count "$tmp/bundle/vidimus/entries")
        accepts "entries=$some proofs=$some checkpoint=ok seal=ok" \
            "$interop" bundle "$tmp/bundle" $ledger_keys
        rm -rf "$tmp/bundle"
    done

    unpack "$1/sample.tar" "$tmp/sample"
    some=$(count "$tmp/sample/vidimus/entries")
    for key in $ledger_keys; do # each of them signed the checkpoint
        accepts "entries=$some proofs=$some checkpoint=ok seal=ok" "$interop" bundle "$tmp/sample" "$key"
    done
    refuses "no verifiable signatures" "$interop" bundle "$tmp/sample" "$authority"

    altered "checkpoint: invalid signature"   flip vidimus/checkpoint
    altered "entry 000001: invalid signature" flip vidimus/entries/000001
    altered "invalid transparency proof"      again vidimus/entries/000001
    altered "names the key of its signer"     without vidimus/entries/000001 \
                                                      vidimus/proofs/000001.tlog-proof
    altered "invalid transparency proof"      edit vidimus/proofs/000001.tlog-proof "3s,.*,$(leaf x),"
    altered "invalid transparency proof"      edit vidimus/proofs/000001.tlog-proof 3d
    altered "as a proof of index 1"           edit vidimus/proofs/000001.tlog-proof '2s/1/2/'
    altered "another checkpoint"              again vidimus/proofs/000001.tlog-proof
    altered "no such file"                    without vidimus/proofs/000001.tlog-proof
    altered "$((some - 1)) entries, but $some proofs" without "vidimus/entries/$(newest "$tmp/sample")"
    altered "seal: invalid signature"         flip vidimus/seal
    altered "seal: open"                      without vidimus/seal
    altered "seal: selection"                 flip vidimus/selection
    altered "seal: tagmanifest"               flip tagmanifest-sha256.txt

    cp "$1"/entries/* "$tmp/sample/vidimus/entries"
    cp "$1"/proofs/* "$tmp/sample/vidimus/proofs"
    all=$(count "$1/entries")
    accepts "entries=$all proofs=$all checkpoint=ok seal=ok" \
        "$interop" bundle "$tmp/sample" $ledger_keys
    rm -rf "$tmp/sample"
}

# unpack TAR DIR: what is in the top folder.
unpack() {
    mkdir "$2"
    tar -xf "$1" -C "$2" --strip-components=1
}

# altered REASON CHANGE FILE...: a copy of the sample, changed, is refused.
altered() {
    reason=$1 change=$2
    shift 2
    cp -r "$tmp/sample" "$tmp/altered"
    (cd "$tmp/altered" && "$change" "$@")
    refuses "$reason" "$interop" bundle "$tmp/altered" $ledger_keys
    rm -rf "$tmp/altered"
}

# A repeated signature line leaves the signature good; the leaf is the whole note and changes.
again() { tail -n 1 "$1" >"$tmp/line" && cat "$tmp/line" >>"$1"; }
without() { rm "$@"; }
count() { find "$1" -type f | wc -l | tr -d ' '; }
newest() { find "$1/vidimus/entries" -type f -exec basename {} \; | sort -n | tail -n 1; }

# ---- trees --------------------------------------------------------------------------------------

# tree [LINE...]: the lines of $tmp/tree and then these.
tree() {
    {
        cat "$tmp/tree"
        for line; do echo "$line"; done
    } | "$interop" tree
}

# proofs VECTORS: all inclusion proofs of a ledger, checked in one pass.
proofs() {
    size=$(sed -n 2p "$1/checkpoint")
    {
        for entry in "$1"/entries/*; do
            echo "leaf $(openssl base64 -A -in "$entry")"
        done
        echo "root $size $(sed -n 3p "$1/checkpoint")"
        for proof in "$1"/proofs/*; do
            awk -v size="$size" '
                NR == 2 { printf "inclusion %s %s", $2, size }
                NR > 2  { if ($0 == "") { print ""; exit } printf " %s", $0 }' "$proof"
        done
    } >"$tmp/tree"
    accepts "leaves=$size roots=1 inclusion=$size consistency=0" tree
}

# The tree of seven leaves that RFC 9162, section 2.1.5 draws, hashed here by openssl:
#
#               hash
#              /    \
#             k      l
#            / \    / \
#           g   h  i   \
#          / \ / \ / \  \
#          a b c d e f  j        leaves d0 ... d6
#
leaf() { { printf '\000' && printf %s "$1"; } | openssl dgst -sha256 -binary | openssl base64 -A; }
node() {
    { printf '\001' && printf '%s\n' "$1" "$2" | while read -r half; do
        echo "$half" | openssl base64 -d -A
    done; } | openssl dgst -sha256 -binary | openssl base64 -A
}

rfc9162() {
    a=$(leaf d0) b=$(leaf d1) c=$(leaf d2) d=$(leaf d3) e=$(leaf d4) f=$(leaf d5) j=$(leaf d6)
    g=$(node "$a" "$b") h=$(node "$c" "$d") i=$(node "$e" "$f")
    k=$(node "$g" "$h") l=$(node "$i" "$j")
    for text in d0 d1 d2 d3 d4 d5 d6; do
        echo "leaf $(printf %s $text | openssl base64 -A)"
    done >"$tmp/tree"

    accepts "leaves=7 roots=6 inclusion=4 consistency=4" tree \
        "root 0 47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" \
        "root 1 $a" \
        "root 3 $(node "$g" "$c")" \
        "root 4 $k" \
        "root 6 $(node "$k" "$i")" \
        "root 7 $(node "$k" "$l")" \
        "inclusion 0 7 $b $h $l" \
        "inclusion 3 7 $c $g $l" \
        "inclusion 4 7 $f $j $k" \
        "inclusion 6 7 $i $k" \
        "consistency 3 7 $c $d $g $l" \
        "consistency 4 7 $l" \
        "consistency 6 7 $i $j $k" \
        "consistency 7 7"
    accepts "leaves=8 roots=1 inclusion=0 consistency=0" tree \
        "leaf" "root 8 $(node "$k" "$(node "$i" "$(node "$j" "$(leaf '')")")")"

    refuses "the root of size 4"          tree "root 4 $l"
    refuses "only 7 leaves"               tree "root 8 $l"
    refuses "inclusion of 0 in 7"         tree "inclusion 0 7 $b $h $k"
    refuses "inclusion of 0 in 7"         tree "inclusion 0 7 $b $h"
    refuses "inclusion of 1 in 7"         tree "inclusion 1 7 $b $h $l"
    refuses "no leaf 7"                   tree "inclusion 7 7 $b $h $l"
    refuses "consistency of 3 with 7"     tree "consistency 3 7 $c $d $g $k"
    refuses "consistency of 3 with 6"     tree "consistency 3 6 $c $d $g $l"
    refuses "consistency of 4 with 7"     tree "consistency 4 7"
    refuses "malformed hash"              tree "consistency 4 7 x"
    refuses "line 8: not a leaf, root"    tree "roots 4 $k"
}

# ---- all of it ----------------------------------------------------------------------------------

interop=$(cd "${1:-$tmp}" && pwd)/interop-go
(cd "$here" && GO111MODULE=off GOPATH=$gopath GOFLAGS='' GOCACHE="$tmp/cache" CGO_ENABLED=0 \
    go build -o "$interop" main.go)

rfc9162
for vectors in "$project/tests/vectors/ledger" "$shared/vectors/vidimus"; do
    [ -d "$vectors" ] || continue
    # Type 0x01, whose base64 opens with an A: Go's note knows no keys of witnesses, type 0x04.
    all_keys=$(sed -n '/^[^+]*+[0-9a-f]*+A/p' "$vectors"/keys/*.pub)
    ledger_keys=$(cat "$vectors"/keys/ledger*.pub)
    notes "$vectors"
    bundles "$vectors"
    proofs "$vectors"
    echo "ok: $vectors"
done
if [ -z "${all_keys:-}" ]; then
    echo "FAILED: no vectors in tests/vectors/ledger" >&2
    exit 1
fi
echo "$checks checks"
