/* SPDX-License-Identifier: MIT */
/* VERIFY.txt: how to check a bundle without vidimus. Its commands stand indented by four spaces and
 * nothing else does, so that they can be taken out and run as they are; the tests do just that. */
#include "ops/bundle_make.h"

#include <inttypes.h>

static const char key_first[] =
    "GET THE KEY FROM ELSEWHERE\n"
    "\n"
    "Everything below shows that this bundle was made with certain keys. Whose keys they\n"
    "are it cannot show: anybody can make a key and give it any name. So ask the archive\n"
    "for its authority key by another way than the one by which this bundle came to you:\n"
    "its web site, a printed page, a telephone call, a person whom you know. This text,\n"
    "too, came with the bundle: read the commands before you run them.\n";

static const char what_it_shows[] =
    "\n"
    "WHAT THE CHECK SHOWS\n"
    "\n"
    "That the archive recorded exactly these bytes under these keys, at that place in its\n"
    "ledger, and that its signed root covers every entry here. It does not show that a\n"
    "statement is true, who wrote it, or that a source served it. Times are those of the\n"
    "archive's own clock. It is a selection: other captures may exist, and amendments and\n"
    "withdrawals that came later.\n"
    "\n"
    "With the program: `vidimus verify FILE --trust KEY`. It needs no network and does more\n"
    "than what follows: it also checks for which entries each key was valid (retired and\n"
    "revoked keys are only listed below), the form of everything, and signatures by a\n"
    "stricter rule: openssl accepts some odd signatures that vidimus refuses. What follows\n"
    "is slow, a second or so for each capture.\n";

static const char preparation[] =
    "\n"
    "THE CHECK BY HAND\n"
    "\n"
    "You need a Linux system with sh, GNU coreutils and openssl 3. Unpack the bundle with\n"
    "tar, go into the folder with bagit.txt, and run the indented commands in one shell, in\n"
    "order; or all at once:\n"
    "\n"
    "  while IFS= read -r line; do\n"
    "  case $line in '    '*) printf '%s\\n' \"${line#    }\";; esac\n"
    "  done < vidimus/VERIFY.txt > ../check.sh   # read it, then\n"
    "  sh ../check.sh\n"
    "\n"
    "They stop at the first thing that is not good, and end with a line that begins with\n"
    "GOOD. They write to a folder of their own only.\n"
    "\n"
    "    set -eu\n"
    "    export LC_ALL=C\n"
    "    work=$(mktemp -d)\n"
    "    trap 'rm -rf \"$work\"' EXIT\n"
    "    say() { printf '%s\\n' \"$*\" | tr -cd ' -~\\n'; }\n"
    "    fail() { say \"NOT GOOD: $*\" >&2; exit 1; }\n"
    "    hex() { od -An -v -tx1 | tr -d ' \\n'; }\n"
    "    unhex() { tr a-f A-F | basenc --base16 -d; }\n"
    "    sha() { sum=$(sha256sum); echo \"${sum%% *}\"; }\n"
    "    pad() { printf '%06d' \"$1\"; }\n"
    "    line() { head -n \"$2\" \"$1\" | tail -n 1; }\n"
    "    field() {\n"
    "        while IFS= read -r text && test -n \"$text\"; do\n"
    "            case $text in \"$2 \"*) printf '%s\\n' \"${text#\"$2 \"}\";; esac\n"
    "        done < \"$1\"\n"
    "    }\n"
    "    empty_lines() { # which is the first, which is the last\n"
    "        i=0 first=0 last=0\n"
    "        while IFS= read -r text; do\n"
    "            i=$((i + 1))\n"
    "            test -z \"$text\" || continue\n"
    "            test \"$first\" -gt 0 || first=$i\n"
    "            last=$i\n"
    "        done < \"$1\"\n"
    "    }\n";

static const char files[] =
    "\n"
    "1. The files are those of the two lists, byte for byte, and no others. (Evidence may be\n"
    "added later; it proves itself and is in no list.)\n"
    "\n"
    "    sha256sum -c --quiet --strict manifest-sha256.txt\n"
    "    sha256sum -c --quiet --strict tagmanifest-sha256.txt\n"
    "    du -al0 . > \"$work/found\"\n"
    "    test \"$(tr -cd '\\n' < \"$work/found\" | wc -c)\" = 0 || fail 'a name of two lines'\n"
    "    tr '\\0' '\\n' < \"$work/found\" | cut -f 2- | while IFS= read -r file; do\n"
    "        case $file in ./vidimus/evidence/*) continue;; esac\n"
    "        if test -L \"$file\" || ! test -d \"$file\"; then\n"
    "            printf '%s\\n' \"${file#./}\"\n"
    "        fi\n"
    "    done | sort > \"$work/here\"\n"
    "    { cut -c 67- manifest-sha256.txt tagmanifest-sha256.txt\n"
    "      echo tagmanifest-sha256.txt; } | sort > \"$work/listed\"\n";

static const char files_sealed[] =
    "    echo vidimus/seal | sort -m - \"$work/listed\" > \"$work/both\"\n"
    "    mv \"$work/both\" \"$work/listed\"\n";

static const char files_compared[] =
    "    comm -3 \"$work/here\" \"$work/listed\" > \"$work/odd\"\n"
    "    test ! -s \"$work/odd\" || fail \"files and lists differ: $(cat \"$work/odd\")\"\n"
    "\n"
    "The checkpoint says which ledger it is, how many entries it has, and the root over them.\n"
    "\n"
    "    ledger=$(line vidimus/checkpoint 1)\n"
    "    size=$(line vidimus/checkpoint 2)\n"
    "    root=$(line vidimus/checkpoint 3)\n"
    "    case $size in ''|*[!0-9]*) fail 'vidimus/checkpoint: the size';; esac\n";

static const char seal[] =
    "\n"
    "2. vidimus/seal is for exactly this list, this selection and this checkpoint. (Who signed\n"
    "it: step 3.)\n"
    "\n"
    "    test \"$(field vidimus/seal tagmanifest)\" = \\\n"
    "        \"sha256:$(sha < tagmanifest-sha256.txt)\" ||\n"
    "        fail 'the seal is for another list of files'\n"
    "    test \"$(field vidimus/seal selection)\" = \"sha256:$(sha < vidimus/selection)\" ||\n"
    "        fail 'the seal is for another selection'\n"
    "    test \"$(field vidimus/seal ledger)\" = \"$ledger\" ||\n"
    "        fail 'the seal is for another ledger'\n"
    "    test \"$(field vidimus/seal checkpoint)\" = \"$size $root\" ||\n"
    "        fail 'the seal is for another checkpoint'\n";

static const char no_seal[] =
    "\n"
    "2. This bundle has no seal: nobody signed for the choice of these captures. Each entry is\n"
    "signed all the same.\n";

static const char signature_tools[] =
    "\n"
    "3. The signatures. A signed note is a text, an empty line, and lines with the signer's\n"
    "name and, in base64, 4 bytes that tell the key and 64 bytes of Ed25519 signature over\n"
    "the text. First the tools: `signed NOTE ROLES` splits a note at its last empty line and\n"
    "checks every signature with the key that the ledger gives that name, if the key has one\n"
    "of the roles.\n"
    "\n"
    "    vkey_hex() { printf %s \"$1\" | cut -d + -f 3- | base64 -d | tail -c +2 | hex; }\n"
    "    vkey_name() { printf %s \"$1\" | cut -d + -f 1,2; }\n"
    "    key_of() {\n"
    "        while read -r role name key; do\n"
    "            case \" $2 \" in *\" $role \"*) ;; *) continue;; esac\n"
    "            test \"$name\" != \"$1\" || { printf '%s\\n' \"$key\"; return; }\n"
    "        done < \"$work/keys\"\n"
    "        fail \"no key of $1 in the role of $2\"\n"
    "    }\n"
    "    signed() {\n"
    "        empty_lines \"$1\"\n"
    "        test \"$last\" -gt 0 || fail \"$1 is not signed\"\n"
    "        head -n $((last - 1)) \"$1\" > \"$work/text\"\n"
    "        tail -n +$((last + 1)) \"$1\" > \"$work/signatures\"\n"
    "        by=\n"
    "        while read -r dash name code || test -n \"$dash\"; do\n"
    "            printf %s \"$code\" | base64 -d > \"$work/code\"\n"
    "            by=$name+$(head -c 4 \"$work/code\" | hex)\n"
    "            key=$(key_of \"$by\" \"$2\")\n"
    "            tail -c +5 \"$work/code\" > \"$work/signature\"\n"
    "            openssl pkeyutl -verify -pubin -inkey \"vidimus/keys/$key.pem\" -rawin \\\n"
    "                -in \"$work/text\" -sigfile \"$work/signature\" > \"$work/answer\" ||\n"
    "                fail \"$1: the signature by $by\"\n"
    "        done < \"$work/signatures\"\n"
    "        test -n \"$by\" || fail \"$1 is not signed\"\n"
    "    }\n";

static const char key_table[] =
    "\n"
    "Each key file holds the key that it is named after.\n"
    "\n"
    "    for file in vidimus/keys/*.pem; do\n"
    "        key=$(openssl pkey -pubin -in \"$file\" -outform DER | tail -c 32 | hex)\n"
    "        test \"$file\" = \"vidimus/keys/$key.pem\" || fail \"$file holds another key\"\n"
    "    done\n"
    "\n"
    "Genesis (vidimus/entries/000000) names the authority key and the first ledger key; key\n"
    "entries, which the authority signs, name all others. From them comes the table of who is\n"
    "who.\n"
    "\n"
    "    genesis=vidimus/entries/000000\n"
    "    authority=$(field $genesis authority)\n"
    "    : > \"$work/keys\"\n"
    "    list() {\n"
    "        printf '%s\\n' \"$1 $(vkey_name \"$2\") $(vkey_hex \"$2\")\" >> \"$work/keys\"\n"
    "    }\n"
    "    list authority \"$authority\"\n"
    "    list ledger \"$(field $genesis ledger-key)\"\n"
    "    for entry in vidimus/entries/*; do\n"
    "        test \"$(line \"$entry\" 1)\" = vidimus/key/v1 || continue\n"
    "        signed \"$entry\" authority\n"
    "        key=$(field \"$entry\" key)\n"
    "        case $(field \"$entry\" action) in\n"
    "        authorize) list \"$(field \"$entry\" role)\" \"$key\";;\n"
    "        *) say \"note: entry ${entry##*/} ends the use of $(vkey_name \"$key\")\";;\n"
    "        esac\n"
    "    done\n"
    "\n"
    "No key entry is left out: from the newest entry, `keyring` leads back through all of them.\n"
    "\n"
    "    n=$((size - 1))\n"
    "    while test \"$n\" -gt 0; do\n"
    "        entry=vidimus/entries/$(pad \"$n\")\n"
    "        test -f \"$entry\" || fail \"$entry is missing\"\n"
    "        test \"$(field \"$entry\" keyring)\" -lt \"$n\" || fail \"$entry: keyring\"\n"
    "        n=$(field \"$entry\" keyring)\n"
    "    done\n";

static const char signatures[] =
    "\n"
    "The checkpoint by the ledger key, and every entry by the key that it names, in a role that\n"
    "may sign it. Each entry is of this ledger and stands under its own number.\n"
    "\n"
    "    signed vidimus/checkpoint ledger\n"
    "    for entry in vidimus/entries/*; do\n"
    "        case $(line \"$entry\" 1) in\n"
    "        vidimus/capture/v1|vidimus/amendment/v1) roles=signer;;\n"
    "        vidimus/audit/v1) roles='auditor signer';;\n"
    "        vidimus/genesis/v1|vidimus/key/v1|vidimus/withdrawal/v1) roles=authority;;\n"
    "        *) fail \"$entry is of a kind that is not known here\";;\n"
    "        esac\n"
    "        signed \"$entry\" \"$roles\"\n"
    "        test \"$by\" = \"$(field \"$entry\" signer)\" ||\n"
    "            fail \"$entry names another signer\"\n"
    "        test \"$(field \"$entry\" ledger)\" = \"$ledger\" ||\n"
    "            fail \"$entry is of another ledger\"\n"
    "        test \"$entry\" = \"vidimus/entries/$(pad \"$(field \"$entry\" entry)\")\" ||\n"
    "            fail \"$entry has another number\"\n"
    "    done\n"
    "    while read -r n; do\n"
    "        test \"$(line \"vidimus/entries/$(pad \"$n\")\" 1)\" = vidimus/capture/v1 ||\n"
    "            fail \"entry $n is selected and no capture\"\n"
    "    done < vidimus/selection\n";

static const char seal_signature[] = "    signed vidimus/seal signer\n";

static const char inclusion[] =
    "\n"
    "4. Every entry is in the tree whose root the checkpoint signs (RFC 9162, 2.1.3.2). The\n"
    "leaf is the SHA-256 of a byte 0 and the whole entry. Its proof has the hashes of the\n"
    "neighbours on the way up; each step joins one of them, left or right as the position\n"
    "demands, under a byte 1. What comes out at the top must be the root.\n"
    "\n"
    "    join() { { printf '\\001'; printf %s \"$1$2\" | unhex; } | sha; }\n"
    "    root=$(printf %s \"$root\" | base64 -d | hex)\n"
    "    for entry in vidimus/entries/*; do\n"
    "        n=$(field \"$entry\" entry)\n"
    "        proof=vidimus/proofs/$(pad \"$n\").tlog-proof\n"
    "        test \"$(line \"$proof\" 2)\" = \"index $n\" ||\n"
    "            fail \"$proof is for another entry\"\n"
    "        empty_lines \"$proof\"\n"
    "        test \"$(tail -n +$((first + 1)) \"$proof\" | sha)\" = \\\n"
    "            \"$(sha < vidimus/checkpoint)\" || fail \"$proof is for another checkpoint\"\n"
    "        hash=$({ printf '\\000'; cat \"$entry\"; } | sha)\n"
    "        at=$n last=$((size - 1))\n"
    "        test \"$at\" -le \"$last\" || fail \"entry $n is beyond the checkpoint\"\n"
    "        for code in $(head -n $((first - 1)) \"$proof\" | tail -n +3); do\n"
    "            neighbour=$(printf %s \"$code\" | base64 -d | hex)\n"
    "            test \"$last\" -gt 0 || fail \"$proof is too long\"\n"
    "            if test $((at % 2)) = 1 || test \"$at\" = \"$last\"; then\n"
    "                hash=$(join \"$neighbour\" \"$hash\")\n"
    "                while test $((at % 2)) = 0 && test \"$at\" != 0; do\n"
    "                    at=$((at / 2)) last=$((last / 2))\n"
    "                done\n"
    "            else\n"
    "                hash=$(join \"$hash\" \"$neighbour\")\n"
    "            fi\n"
    "            at=$((at / 2)) last=$((last / 2))\n"
    "        done\n"
    "        test \"$last\" = 0 || fail \"$proof is too short\"\n"
    "        test \"$hash\" = \"$root\" || fail \"$entry is not under the checkpoint's root\"\n"
    "    done\n";

static const char records[] =
    "\n"
    "5. Each record is the one to which its entry commits. A line's hash is the SHA-256 of its\n"
    "salt and the line; a salt is the SHA-256 of the record's secret and the line's number in 8\n"
    "bytes. A record that is disclosed in part gives the salts of the lines that are shown and\n"
    "the hashes of the others. The commitment is the SHA-256 of the form's name, the number\n"
    "of lines and their hashes.\n"
    "\n"
    "    u64() { printf '%016x' \"$1\" | unhex; }\n"
    "    salted() { { printf %s \"$1\" | unhex; printf %s \"$2\"; } | sha; }\n"
    "    for record in vidimus/records/*; do\n"
    "        test -f \"$record\" || continue\n"
    "        form=$(line \"$record\" 1) secret=$(field \"$record\" secret) count=0\n"
    "        tail -n +3 \"$record\" > \"$work/lines\"\n"
    "        while IFS= read -r line || test -n \"$line\"; do\n"
    "            shown=${line#* }   # in a disclosure: what comes after the line's number\n"
    "            case \"$form $shown\" in\n"
    "            'vidimus/record/v1 '*)\n"
    "                salt=$({ printf %s \"$secret\" | unhex; u64 \"$count\"; } | sha)\n"
    "                salted \"$salt\" \"$line\";;\n"
    "            'vidimus/disclosure/v1 open '*)\n"
    "                shown=${shown#open }\n"
    "                salted \"${shown%% *}\" \"${shown#* }\";;\n"
    "            'vidimus/disclosure/v1 hidden '*) printf '%s\\n' \"${shown#hidden }\";;\n"
    "            *) fail \"$record has another form\";;\n"
    "            esac\n"
    "            count=$((count + 1))\n"
    "        done < \"$work/lines\" > \"$work/hashes\"\n"
    "        sum=$({ printf 'vidimus/record/v1\\n'; u64 \"$count\"\n"
    "                unhex < \"$work/hashes\"; } | sha)\n"
    "        entry=vidimus/entries/${record##*/}\n"
    "        test \"$(field \"$entry\" record)\" = \"sha256:$sum\" ||\n"
    "            fail \"$record is another record\"\n"
    "    done\n"
    "\n"
    "Line 0 of a record names the document: its SHA-256 and its size.\n"
    "\n"
    "    for file in data/files/*; do\n"
    "        test -f \"$file\" || continue\n"
    "        n=${file##*/} n=${n%.*}\n"
    "        document=$(line \"vidimus/records/$n\" 3)\n"
    "        case $document in '0 open '*) document=${document#0 open * };; esac\n"
    "        test \"$document\" = \"document sha256:$(sha < \"$file\") $(wc -c < \"$file\")\" ||\n"
    "            fail \"$file is another document than was recorded\"\n"
    "    done\n";

static const char receipt[] =
    "\n"
    "This bundle has no documents. Compare the document that you hold yourself:\n"
    "`sha256sum YOUR-FILE` against the line `document` in its record.\n";

static const char end[] =
    "\n"
    "All is good if you come to here. Now compare the authority key that is printed with the\n"
    "one that you have from elsewhere: without that, the check shows only that the bundle is\n"
    "of one piece.\n"
    "\n"
    "    say \"GOOD: all of it holds under the authority key $authority\"\n";

static void put_about(const struct vdm_bundle_job *j, struct vdm_buf *out)
{
    char as_of[VDM_TIME_LEN + 1];
    vdm_time_encode(j->as_of, as_of);
    vdm_buf_putf(
        out,
        "\n"
        "WHAT IS HERE\n"
        "\n"
        "%zu capture%s out of the ledger %s,\n"
        "as of %" PRIu64 " entries, %s by the archive's clock. data/INDEX.txt lists them.\n"
        "The first is vidimus/entries/%06" PRIu64 ", with its proof of inclusion in\n"
        "vidimus/proofs/%06" PRIu64 ".tlog-proof, under the root in vidimus/checkpoint; what is\n"
        "known about it is in vidimus/records/%06" PRIu64 ", and the document%s,\n"
        "unless they were withdrawn. The rest is laid out alike.\n",
        j->selected.count, j->selected.count == 1 ? "" : "s", j->a->origin, j->head.size, as_of,
        j->selected.n[0], j->selected.n[0], j->selected.n[0],
        j->documents ? " in data/files/" : " is not here");
}

void vdm_bundle_verify_text(const struct vdm_bundle_job *j, struct vdm_buf *out)
{
    vdm_buf_puts(out, key_first);
    put_about(j, out);
    vdm_buf_puts(out, what_it_shows);
    vdm_buf_puts(out, preparation);
    vdm_buf_puts(out, files);
    if (j->sealer)
        vdm_buf_puts(out, files_sealed);
    vdm_buf_puts(out, files_compared);
    vdm_buf_puts(out, j->sealer ? seal : no_seal);
    vdm_buf_puts(out, signature_tools);
    vdm_buf_puts(out, key_table);
    vdm_buf_puts(out, signatures);
    if (j->sealer)
        vdm_buf_puts(out, seal_signature);
    vdm_buf_puts(out, inclusion);
    vdm_buf_puts(out, records);
    if (j->documents == 0)
        vdm_buf_puts(out, receipt);
    vdm_buf_puts(out, end);
}
