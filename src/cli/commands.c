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
     vdm_opts_init, VDM_NEEDS_NOTHING, 0, 1, vdm_cmd_init, NULL},
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
     vdm_opts_import, VDM_NEEDS_NOTHING, 1, ANY, vdm_cmd_import, vdm_needs_of_import},
    {"status", "looking", "", "what the archive holds",
     "Entries, documents, keys, the newest checkpoint, space.\n\nexample:\n  vidimus -C "
     "/srv/archive "
     "status",
     NULL, VDM_NEEDS_READ, 0, 0, vdm_cmd_status, NULL},
    {"log", "looking", "", "lists captures, newest first",
     "example:\n  vidimus log --issuer 'Council Press Office' --from 2026-11", vdm_opts_log,
     VDM_NEEDS_READ, 0, 0, vdm_cmd_log, NULL},
    {"find", "looking", "WORDS...", "captures whose record has these words, newest first",
     "Looks through titles, names, notes and all else that records say, in any script; capitals, "
     "accents\nand vowel signs do not matter. An argument of several words finds them side by "
     "side; a * at "
     "the\nend lets the last one go on.\n\nexamples:\n  vidimus find council 'opening hours'\n"
     "  vidimus find 'librar*' --without museum --from 2026-11",
     vdm_opts_find, VDM_NEEDS_READ, 1, ANY, vdm_cmd_find, NULL},
    {"history", "looking", "SOURCE",
     "captures of one source in order, and whether its bytes changed",
     "example:\n  vidimus history https://council.example/r/12", NULL, VDM_NEEDS_READ, 1, 1,
     vdm_cmd_history, NULL},
    {"show", "looking", "N | sha256:HEX | FILE", "everything known about one",
     "A number is an entry; sha256:HEX the captures of a document; anything else a file on disk: "
     "are\n"
     "exactly these bytes in the ledger, since when, by whom? (./12 is a file called 12.) Exit "
     "status 1\n"
     "if they are not.\n\nexamples:\n  vidimus show 17\n  vidimus show ~/Downloads/release-12.html",
     NULL, VDM_NEEDS_READ, 1, 1, vdm_cmd_show, NULL},
    {"cat", "looking", "N", "a document's bytes, to standard output",
     "The bytes are hashed on the way; damage is an error (exit status 3).\n\nexample:\n  vidimus "
     "cat "
     "17 > release.html",
     NULL, VDM_NEEDS_READ, 1, 1, vdm_cmd_cat, NULL},
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
     vdm_opts_verify, VDM_NEEDS_NOTHING, 0, ANY, vdm_cmd_verify, NULL},
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
     vdm_opts_bundle, VDM_NEEDS_NOTHING, 0, 0, vdm_cmd_bundle, vdm_needs_of_bundle},
    {"checkpoint", "handing out", "[--at SIZE] [-o FILE]", "prints a signed checkpoint",
     "Keep it somewhere else: `vidimus verify --checkpoint FILE` then proves that nothing before "
     "it was\n"
     "changed.\n\nexample:\n  vidimus checkpoint -o /media/usb/checkpoint-2026-11-21",
     vdm_opts_checkpoint, VDM_NEEDS_READ, 0, 0, vdm_cmd_checkpoint, NULL},
    {"prove", "handing out", "N -o FILE.tlog-proof", "writes the inclusion proof of one entry",
     "For other people's tools (C2SP tlog-proof); the entry itself stands in the `extra` line.\n\n"
     "example:\n  vidimus prove 17 -o 17.tlog-proof",
     vdm_opts_prove, VDM_NEEDS_READ, 1, 1, vdm_cmd_prove, NULL},
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
     vdm_opts_fork_proof, VDM_NEEDS_NOTHING, 2, 2, vdm_cmd_fork_proof, NULL},
    {"recover", "upkeep", "", "finishes or undoes an interrupted write",
     "Commands that write do it by themselves; those that only read do not write and name this "
     "one.\n\n"
     "example:\n  vidimus -C /srv/archive recover",
     NULL, VDM_NEEDS_WRITE, 0, 0, vdm_cmd_recover, NULL},
    {"reindex", "upkeep", "", "rebuilds the catalog from the ledger",
     "catalog.db is derived; losing it loses nothing.\n\nexample:\n  vidimus -C /srv/archive "
     "reindex",
     NULL, VDM_NEEDS_WRITE, 0, 0, vdm_cmd_reindex, NULL},
    {"key", "upkeep", "list | export NAME", "the archive's own keys",
     "list: every key that the ledger knows, its role, fingerprint and range of entries.\n"
     "export: a key as a vkey (to give to others), or with --pem for openssl.\n\n"
     "examples:\n  vidimus key list\n  vidimus key export archive.example.org/statements/authority",
     vdm_opts_key, VDM_NEEDS_READ, 1, 2, vdm_cmd_key, NULL},
    {"trust", "upkeep", "list | add FILE|VKEY | remove NAME|FILE", "other people's keys",
     "They lie in keys/trusted/ and serve `verify --trust NAME`. Compare the fingerprint with its "
     "owner\n"
     "over another channel before you add a key.\n\n"
     "examples:\n  vidimus trust add partner-authority.pub\n  vidimus verify theirs.tar --trust "
     "partner.example/authority",
     NULL, VDM_NEEDS_READ, 1, 2, vdm_cmd_trust, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};
