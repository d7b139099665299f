/* SPDX-License-Identifier: MIT */
/* The command line: one table of commands, each with what it needs; main opens that and calls it. */
#ifndef VDM_CLI_CLI_H
#define VDM_CLI_CLI_H

#include "cli/manual.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "ops/archive.h"
#include "ops/report.h"
#include "ops/takedown.h"
#include "ops/unlock.h"
#include "sandbox/worker.h"

#include <jansson.h>

/* Exit status, the same for every command. */
enum {
    VDM_EXIT_DONE = 0,
    VDM_EXIT_FINDING = 1, /* something checked is not good, or some inputs were refused */
    VDM_EXIT_USAGE = 2,
    VDM_EXIT_FAILED = 3,
    VDM_EXIT_UNTRUSTED = 4,
};

/* What a command needs; main opens it before the command runs. This is the security policy on one
 * screen: nothing else in the program opens an archive for writing or a secret key. */
enum vdm_needs {
    VDM_NEEDS_NOTHING = 0,
    VDM_NEEDS_READ = 1,       /* the archive, for reading */
    VDM_NEEDS_WRITE = 2,      /* the archive, for writing */
    VDM_NEEDS_SIGNER = 4,     /* an archivist's secret key */
    VDM_NEEDS_LEDGER = 8,     /* the ledger's, for the checkpoint */
    VDM_NEEDS_KEY_FILE = 32,  /* a secret key file that the user names; the command opens it */
    VDM_NEEDS_AUDITOR = 64,   /* an auditor's */
    VDM_NEEDS_AUTHORITY = 16, /* the authority's, which may lie offline: --authority-key */
};

/* The progress bar, if it is on the screen. */
struct vdm_drawn {
    uint64_t started, drawn; /* ms */
    bool on_screen;
};

struct vdm_cli {
    const struct vdm_command *command;
    const char *path; /* of the archive */
    bool path_given;
    bool json, quiet, verbose;
    bool colours; /* on standard output */
    struct vdm_crypto *crypto;
    struct vdm_archive *archive;
    struct vdm_unlock unlock; /* which keys; a command's plan may add to it */
    struct vdm_passphrases passphrases;
    struct vdm_signers signers;
    struct vdm_key_event key_change; /* of a command that changes keys: what its plan found */
    struct vdm_buf memory;           /* what that borrows from */
    struct vdm_takedown takedown;    /* of withdraw: what its plan found */
    char *ledger_was; /* of audit: what its plan repaired the ledger of; NULL: nothing */
    struct vdm_progress progress;
    struct vdm_drawn drawn;
    struct vdm_protection protection; /* in a worker: what is in force there */
};

struct vdm_command {
    const char *name;  /* one word, or two: `key list` */
    const char *group; /* heading in the list of commands */
    unsigned needs;    /* enum vdm_needs; never more than this is opened */
    /* Arguments other than options: from..to of them. */
    size_t least, most;
    const struct vdm_manual *manual;
    /* The exit status. An error that was not told yet is told by main: false with *err. */
    bool (*run)(struct vdm_cli *cli, const struct vdm_args *args, int *status, struct vdm_err *err);
    /* What of `needs` it takes with these arguments; NULL: all. Reading is part of writing. */
    unsigned (*needs_with)(const struct vdm_args *args);
    /* Runs when the archive is open and before any secret key is: refuses what cannot be, and says
     * what will be changed, so that nobody gives a passphrase for something else. NULL: nothing to
     * say. */
    bool (*plan)(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err);
};
extern const struct vdm_command vdm_commands[];   /* ends with a NULL name */
extern const struct vdm_opt vdm_global_options[]; /* of every command */
/* A command's own options, and those of signing where it signs. The caller frees it; NULL: no memory. */
struct vdm_opt *vdm_command_options(const struct vdm_command *c);

/* Printing one JSON object as one line; takes over the object. */
bool vdm_json_print(json_t *object, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_json_write(FILE *to, json_t *object, struct vdm_err *err) VDM_MUST_CHECK;
/* One more member or element, whose reference is taken. Without memory *to becomes NULL, and stays so;
 * vdm_json_print then fails. */
void vdm_json_set(json_t **to, const char *key, json_t *value);
void vdm_json_add(json_t **to, json_t *value);
json_t *vdm_json_bytes(struct vdm_bytes s);     /* escaped for a terminal where it must be */
json_t *vdm_json_value(struct vdm_bytes value); /* a record's value: as it stands, escaped */
json_t *vdm_json_time(struct vdm_time t);
json_t *vdm_json_root(struct vdm_digest root);
json_t *vdm_json_continues(const struct vdm_continued *c);
json_t *vdm_json_digest(struct vdm_digest d);
json_t *vdm_json_record(const struct vdm_record *r);

/* Numbers and lists on the command line. */
bool vdm_cli_number(const char *text, const char *what, uint64_t *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* `3,7-9`: appended as uint64_t, sorted, without repetition. */
bool vdm_cli_ranges(const char *text, struct vdm_buf *out, struct vdm_err *err) VDM_MUST_CHECK;
/* `title,issued`: bits of fields. */
bool vdm_cli_fields(const char *text, uint64_t *out, struct vdm_err *err) VDM_MUST_CHECK;
/* --source --collection --issuer --from --to; texts escaped into `memory`, which must outlive it. */
struct vdm_cli_filter {
    struct vdm_catalog_filter filter;
    struct vdm_buf memory[5];
};
bool vdm_cli_filter(const struct vdm_args *args, struct vdm_cli_filter *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* A value as records hold it; VDM_ERR_USAGE where it is empty. */
bool vdm_cli_escape(struct vdm_buf *out, const char *value, struct vdm_err *err) VDM_MUST_CHECK;
/* Say so if the catalog lacks entries; fails where there is none. */
bool vdm_cli_warn_behind(const struct vdm_cli *cli, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_cli_filter_release(struct vdm_cli_filter *f);
#define VDM_FILTER_OPTIONS                                                                         \
    {"source", 0, "URL", "captures of this source"},                                               \
        {"collection", 0, "NAME", "captures of this collection"},                                  \
        {"issuer", 0, "NAME", "statements by this issuer"},                                        \
        {"from", 0, "TIME", "recorded at this time or later (2026, 2026-11-21, ...T14:05:00Z)"},   \
    {                                                                                              \
        "to", 0, "TIME", "recorded at this time or earlier"                                        \
    }

/* A file that a command writes for the user: a new one, complete or not at all. */
bool vdm_cli_write_file(const char *path, struct vdm_bytes data,
                        struct vdm_err *err) VDM_MUST_CHECK;

/* A passphrase for new key files: from `file` (NULL: asked for, twice, with the words `what`). */
struct vdm_cli_lock {
    struct vdm_secret passphrase;
    struct vdm_kdf kdf;
    struct vdm_keyfile_lock lock;
    bool locked; /* false: --no-passphrase */
};
bool vdm_cli_lock(struct vdm_cli_lock *l, const struct vdm_args *args, const char *file_option,
                  const char *what, struct vdm_err *err) VDM_MUST_CHECK;
/* For vdm_signer_save: NULL for keys in the clear. */
const struct vdm_keyfile_lock *vdm_cli_lock_of(struct vdm_cli_lock *l);
void vdm_cli_lock_release(struct vdm_cli_lock *l);

/* A yes, typed at the terminal, or --yes; without either an error. */
bool vdm_cli_confirm(const struct vdm_args *args, const char *question,
                     struct vdm_err *err) VDM_MUST_CHECK;

/* Of cli->takedown (cmd_withdraw.c): what it will erase, and that it is done by the entries first to
 * last. */
bool vdm_cli_say_takedown(const struct vdm_cli *cli, struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_cli_print_withdrawn(struct vdm_cli *cli, uint64_t first, uint64_t last,
                             struct vdm_bytes checkpoint, struct vdm_err *err) VDM_MUST_CHECK;

/* A line on stderr that --quiet silences. */
void vdm_cli_say(const struct vdm_cli *cli, const char *format, ...) VDM_PRINTF(2, 3);

/* cli/progress.c */
void vdm_progress_start(struct vdm_cli *cli, bool wanted);
void vdm_progress_end(struct vdm_cli *cli);

#endif
