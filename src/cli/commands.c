/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"

#define ANY ((size_t)-1)

const struct vdm_command vdm_commands[] = {
    {"init", "archiving", "[FOLDER] --origin NAME [--signer NAME]",
     "makes an archive: keys, store and ledger",
     "FOLDER (default: the archive named by -C, or the current folder) gets keys/ and store/. "
     "Three keys are\n"
     "made: the authority key, which vouches for all others and should be kept offline; the "
     "ledger\n"
     "key, which signs checkpoints; and a first archivist's key. Asks twice for a passphrase.\n\n"
     "example:\n"
     "  vidimus init /srv/archive --origin archive.example.org/statements \\\n"
     "      --signer amal@archive.example.org",
     vdm_opts_init, VDM_NEEDS_NOTHING, 0, 1, vdm_cmd_init, NULL, NULL},
    {"import", "archiving", "PATH...", "hashes, stores, signs and records documents",
     "PATH is a file, a folder (with all below it) or - for standard input. What is known of the\n"
     "documents comes from a metadata table (CSV, JSON or JSON Lines, one row a file, columns "
     "named as\n"
     "the options below, `file` relative to the table) and from options, which fill what a row "
     "leaves\n"
     "empty. What is not stated is not made up. Same document, source and captured time: already\n"
     "known, not recorded again. Symbolic links are followed only when they are named here.\n\n"
     "examples:\n"
     "  vidimus import statements/ --metadata statements.csv --require source,captured\n"
     "  vidimus import page.html --source https://council.example/r/12 --captured "
     "2026-11-21T10:00:00Z",
     vdm_opts_import, VDM_NEEDS_WRITE | VDM_NEEDS_SIGNER | VDM_NEEDS_LEDGER, 1, ANY, vdm_cmd_import,
     vdm_needs_of_import, NULL},
    {"amend", "archiving", "N... | --metadata FILE", "a corrected record, beside the one before it",
     "What an option states takes the place of all that the record of capture N said of that "
     "field;\n"
     "--clear takes a field out; the rest is carried over. Of --field, each name is a field of "
     "its\n"
     "own. The record before stays in the ledger, and `show N` shows both. With several captures "
     "(3\n"
     "5-7) only what can be true of all. A table has the columns of import, `entry` instead of\n"
     "`file`, and `clear`. A record that would not change is refused, unless --vouch is given: it\n"
     "vouches again for captures whose signer's key was revoked.\n\n"
     "examples:\n"
     "  vidimus amend 17 --title 'The council met' --issued 2019-11-28 --clear note --dry-run\n"
     "  vidimus amend --metadata corrections.csv\n"
     "  vidimus amend 40-52 --vouch",
     vdm_opts_amend, VDM_NEEDS_WRITE | VDM_NEEDS_SIGNER | VDM_NEEDS_LEDGER, 0, ANY, vdm_cmd_amend,
     vdm_needs_of_amend, NULL},
    {"withdraw", "archiving", "N... --decided-by A",
     "takes captures down; the ledger stays provable",
     "Signed by the authority. Of captures (3 5-7) with all their amendments it erases the "
     "records\n"
     "with their secrets, and the documents, unless another capture of the same document stays.\n"
     "Afterwards nobody can tell from the archive what it was; the entries stay, and verify. What "
     "was\n"
     "derived from a document must go too (--with-parts). It says what it will erase, and asks, "
     "before\n"
     "it asks for a passphrase. Bundles and copies that were handed out, backups, and what the "
     "disk\n"
     "keeps of older versions of files are beyond its reach.\n\n"
     "examples:\n"
     "  vidimus withdraw 17 --decided-by 'data protection officer, 12/2026' --reason 'private "
     "address'\n"
     "  vidimus withdraw 40-52 --decided-by 'court order 3 K 7/26' --authority-key "
     "/media/usb/authority.key",
     vdm_opts_withdraw, VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER, 1, ANY,
     vdm_cmd_withdraw, NULL, vdm_plan_withdraw},
    {"status", "looking", "", "what the archive holds",
     "Entries, documents, keys, the newest checkpoint, space.\n\nexample:\n  vidimus -C "
     "/srv/archive "
     "status",
     NULL, VDM_NEEDS_READ, 0, 0, vdm_cmd_status, NULL, NULL},
    {"log", "looking", "", "lists captures, newest first",
     "example:\n  vidimus log --issuer 'Council Press Office' --from 2026-11", vdm_opts_log,
     VDM_NEEDS_READ, 0, 0, vdm_cmd_log, NULL, NULL},
    {"find", "looking", "WORDS...", "captures whose record has these words, newest first",
     "Looks through titles, names, notes and all else that records say, in any script; capitals, "
     "accents\nand vowel signs do not matter. An argument of several words finds them side by "
     "side; a * at "
     "the\nend lets the last one go on.\n\nexamples:\n  vidimus find council 'opening hours'\n"
     "  vidimus find 'librar*' --without museum --from 2026-11",
     vdm_opts_find, VDM_NEEDS_READ, 1, ANY, vdm_cmd_find, NULL, NULL},
    {"history", "looking", "SOURCE",
     "captures of one source in order, and whether its bytes changed",
     "example:\n  vidimus history https://council.example/r/12", NULL, VDM_NEEDS_READ, 1, 1,
     vdm_cmd_history, NULL, NULL},
    {"show", "looking", "N | sha256:HEX | FILE", "everything known about one",
     "A number is an entry; sha256:HEX the captures of a document; anything else a file on disk: "
     "are\n"
     "exactly these bytes in the ledger, since when, by whom? (./12 is a file called 12.) Exit "
     "status 1\n"
     "if they are not.\n\nexamples:\n  vidimus show 17\n  vidimus show ~/Downloads/release-12.html",
     NULL, VDM_NEEDS_READ, 1, 1, vdm_cmd_show, NULL, NULL},
    {"cat", "looking", "N", "a document's bytes, to standard output",
     "The bytes are hashed on the way; damage is an error (exit status 3).\n\nexample:\n  vidimus "
     "cat "
     "17 > release.html",
     NULL, VDM_NEEDS_READ, 1, 1, vdm_cmd_cat, NULL, NULL},
    {"verify", "checking", "[BUNDLE...] [--trust KEY]...",
     "checks the whole archive, or bundles, offline",
     "Without an argument: the archive, against keys/authority.pub unless --trust says otherwise. "
     "With\n"
     "bundles or receipts (.tar, .tar.gz, .tar.zst), or proof files (.tlog-proof): these alone, "
     "no\n"
     "archive needed. KEY is a public key, a file (.pub), or the name of one in keys/trusted/ of "
     "the\n"
     "archive given by -C. Get the key from elsewhere than the bundle.\n\n"
     "examples:\n"
     "  vidimus -C /srv/archive verify --checkpoint kept-elsewhere\n"
     "  vidimus verify evidence.tar.zst --trust authority.pub --report report.html",
     vdm_opts_verify, VDM_NEEDS_NOTHING, 0, ANY, vdm_cmd_verify, NULL, NULL},
    {"bundle", "handing out", "-o FILE [--entries 3,7-9 | --all | ...]",
     "writes chosen captures with their proofs, for anybody to verify",
     "FILE ends in .tar, .tar.gz or .tar.zst and appears only when it is complete. It says "
     "nothing\n"
     "about what was not chosen: completeness is not proved. SOURCE_DATE_EPOCH sets the time it "
     "was\n"
     "created.\n\n"
     "examples:\n"
     "  vidimus bundle -o evidence.tar.zst --entries 3,7-9\n"
     "  vidimus bundle -o receipt.tar --all --without-documents",
     vdm_opts_bundle, VDM_NEEDS_READ | VDM_NEEDS_SIGNER, 0, 0, vdm_cmd_bundle, vdm_needs_of_bundle,
     NULL},
    {"checkpoint", "handing out", "[--at SIZE] [-o FILE]", "prints a signed checkpoint",
     "Keep it somewhere else: `vidimus verify --checkpoint FILE` then proves that nothing before "
     "it was\n"
     "changed.\n\nexample:\n  vidimus checkpoint -o /media/usb/checkpoint-2026-11-21",
     vdm_opts_checkpoint, VDM_NEEDS_READ, 0, 0, vdm_cmd_checkpoint, NULL, NULL},
    {"prove", "handing out", "N -o FILE.tlog-proof", "writes the inclusion proof of one entry",
     "For other people's tools (C2SP tlog-proof); the entry itself stands in the `extra` line.\n\n"
     "example:\n  vidimus prove 17 -o 17.tlog-proof",
     vdm_opts_prove, VDM_NEEDS_READ, 1, 1, vdm_cmd_prove, NULL, NULL},
    {"fork-proof", "handing out", "A B -o FILE.fork-proof", "proves that two histories were signed",
     "A and B are each an archive's folder, a bundle, a proof file or a checkpoint. Where they\n"
     "contradict each other, FILE convinces everybody who knows the ledger's key. Where one "
     "extends "
     "the\n"
     "other, nothing is written: exit status 1. Checkpoints of two sizes need the whole archive of "
     "the\n"
     "larger.\n\nexamples:\n"
     "  vidimus fork-proof /srv/archive kept-elsewhere -o two-histories.fork-proof\n"
     "  vidimus verify two-histories.fork-proof --trust ledger.pub",
     vdm_opts_fork_proof, VDM_NEEDS_NOTHING, 2, 2, vdm_cmd_fork_proof, NULL, NULL},
    {"recover", "upkeep", "", "finishes or undoes an interrupted write",
     "Commands that write do it by themselves; those that only read do not write and name this "
     "one.\n"
     "After a write that failed (keys/needs-verify) the whole archive is verified first.\n\n"
     "example:\n  vidimus -C /srv/archive recover",
     NULL, VDM_NEEDS_WRITE, 0, 0, vdm_cmd_recover, NULL, NULL},
    {"reindex", "upkeep", "", "rebuilds the catalog from the ledger",
     "catalog.db is derived; losing it loses nothing.\n\nexample:\n  vidimus -C /srv/archive "
     "reindex",
     NULL, VDM_NEEDS_WRITE, 0, 0, vdm_cmd_reindex, NULL, NULL},
    {"key list", "keys", "", "the archive's own keys",
     "Every key that the ledger knows: its role, state, fingerprint, the entries that it may sign, "
     "and\n"
     "whether its secret key lies in keys/.\n\nexample:\n  vidimus key list",
     NULL, VDM_NEEDS_READ, 0, 0, vdm_cmd_key_list, NULL, NULL},
    {"key new", "keys", "[NAME] --role signer|auditor|ledger",
     "makes a key; the ledger hears of it later",
     "Writes NAME.key and NAME.pub into keys/, the secret one under a passphrase (asked for "
     "twice). "
     "It may\n"
     "sign once it is authorized. A ledger key takes the ledger's name, so NAME can be left "
     "out.\n\n"
     "example:\n  vidimus key new badr@archive.example.org --role signer",
     vdm_opts_key_new, VDM_NEEDS_READ, 0, 1, vdm_cmd_key_new, NULL, NULL},
    {"key authorize", "keys", "NAME|FILE.pub|VKEY --role signer|auditor|ledger [--reason TEXT]",
     "lets a key sign, from the next entry on",
     "NAME is that of a public key in keys/. Compare the fingerprint with the key's owner before. "
     "A "
     "new\n"
     "ledger key signs checkpoints from here on, so its secret key must lie in keys/; the old one "
     "signs\n"
     "the first of them too if it is there, and is retired afterwards.\n\n"
     "examples:\n"
     "  vidimus key authorize badr@archive.example.org --role signer --authority-key "
     "/media/usb/authority.key\n"
     "  vidimus key authorize ledger-2027.pub --role ledger",
     vdm_opts_key_authorize, VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER, 1, 1,
     vdm_cmd_key_change, vdm_needs_of_key_change, vdm_plan_key_change},
    {"key retire", "keys", "NAME|VKEY [--reason TEXT]", "ends a key in good hands",
     "What it signed stays good; from here on it signs nothing more. `ledger` names the ledger key "
     "in\n"
     "force.\n\nexample:\n  vidimus key retire amal@archive.example.org --reason 'left the "
     "archive'",
     vdm_opts_key_retire, VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER, 1, 1,
     vdm_cmd_key_change, vdm_needs_of_key_change, vdm_plan_key_change},
    {"key revoke", "keys", "NAME|VKEY --since N [--reason TEXT]", "ends a key in the wrong hands",
     "What it signed from entry N on counts no more: it is reported until an amendment by another\n"
     "signer vouches for it. Says first how much that is.\n\n"
     "example:\n  vidimus key revoke amal@archive.example.org --since 1041 --reason 'laptop "
     "stolen'",
     vdm_opts_key_revoke, VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER, 1, 1,
     vdm_cmd_key_change, vdm_needs_of_key_change, vdm_plan_key_change},
    {"key sign", "keys", "REQUEST -o FILE --authority-key FILE",
     "signs a request on a machine that is never connected",
     "REQUEST was written by `key authorize --request` and the like. Shows what it says, asks, and "
     "writes\n"
     "the signed entry. No archive is needed. What the request says of its effects is the word of "
     "the\n"
     "machine that wrote it; what is signed is the entry that is shown.\n\n"
     "example:\n  vidimus key sign request -o signed --authority-key authority.key",
     vdm_opts_key_sign, VDM_NEEDS_KEY_FILE, 1, 1, vdm_cmd_key_sign, NULL, NULL},
    {"key submit", "keys", "FILE", "takes in an entry that was signed elsewhere",
     "Refused where the ledger went on since the request was made: then make it again.\n\n"
     "example:\n  vidimus key submit signed",
     NULL, VDM_NEEDS_WRITE | VDM_NEEDS_LEDGER, 1, 1, vdm_cmd_key_submit, NULL, vdm_plan_key_submit},
    {"key passwd", "keys", "NAME|FILE.key", "a new passphrase for a secret key, or none",
     "NAME is that of a key in keys/, or `authority` or `ledger`. The file holds the old form or "
     "the "
     "new\n"
     "one at every moment. What the old one held may stay on the disk: after a theft, revoke the "
     "key.\n\n"
     "example:\n  vidimus key passwd /media/usb/authority.key",
     vdm_opts_key_passwd, VDM_NEEDS_KEY_FILE, 1, 1, vdm_cmd_key_passwd, NULL, NULL},
    {"key export", "keys", "NAME|authority|ledger [--pem|--fingerprint]",
     "a public key, to give to others",
     "As a vkey, for vidimus and other logs' tools; as PEM, for openssl; or its fingerprint, to "
     "read "
     "out\n"
     "over the telephone.\n\n"
     "examples:\n  vidimus key export authority >authority.pub\n  vidimus key export authority "
     "--fingerprint",
     vdm_opts_key_export, VDM_NEEDS_READ, 1, 1, vdm_cmd_key_export, NULL, NULL},
    {"trust", "keys", "list | add FILE|VKEY | remove NAME|FILE", "other people's keys",
     "They lie in keys/trusted/ and serve `verify --trust NAME`. Compare the fingerprint with its "
     "owner\n"
     "over another channel before you add a key.\n\n"
     "examples:\n  vidimus trust add partner-authority.pub\n  vidimus verify theirs.tar --trust "
     "partner.example/authority",
     NULL, VDM_NEEDS_READ, 1, 2, vdm_cmd_trust, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL, NULL},
};
