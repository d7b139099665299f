/* SPDX-License-Identifier: MIT */
/* The security policy on one screen: what each command may open. */
#include "cli/cmd.h"

#include <stdlib.h>
#include <string.h>

#define ANY        ((size_t)-1)
#define NOTHING    VDM_NEEDS_NOTHING
#define READ       VDM_NEEDS_READ
#define WRITE      VDM_NEEDS_WRITE
#define SIGNER     VDM_NEEDS_SIGNER
#define LEDGER     VDM_NEEDS_LEDGER
#define DECIDE     (VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER)

#define DOES(name) &vdm_manual_##name, vdm_cmd_##name
#define CHANGES(key)                                                                               \
    &vdm_manual_##key, vdm_cmd_key_change, vdm_needs_of_key_change, vdm_plan_key_change

/* clang-format off */
const struct vdm_command vdm_commands[] = {
    {"init",          "archiving",   NOTHING,                 0, 1,   DOES(init), NULL, NULL},
    {"import",        "archiving",   WRITE | SIGNER | LEDGER, 0, ANY, DOES(import), vdm_needs_of_import, NULL},
    {"amend",         "archiving",   WRITE | SIGNER | LEDGER, 0, ANY, DOES(amend), vdm_needs_of_amend, NULL},
    {"withdraw",      "archiving",   DECIDE,                  1, ANY, DOES(withdraw), vdm_needs_of_withdraw, vdm_plan_withdraw},
    {"status",        "looking",     READ,                    0, 0,   DOES(status), NULL, NULL},
    {"log",           "looking",     READ,                    0, 0,   DOES(log), NULL, NULL},
    {"find",          "looking",     READ,                    1, ANY, DOES(find), NULL, NULL},
    {"history",       "looking",     READ,                    1, 2,   DOES(history), NULL, NULL},
    {"show",          "looking",     READ,                    1, 1,   DOES(show), NULL, NULL},
    {"cat",           "looking",     READ,                    1, 1,   DOES(cat), NULL, NULL},
    {"verify",        "checking",    NOTHING,                 0, ANY, DOES(verify), NULL, NULL},
    {"audit",         "checking",    WRITE | LEDGER | VDM_NEEDS_AUDITOR, 0, 0, DOES(audit), vdm_needs_of_audit, vdm_plan_audit},
    {"bundle",        "handing out", READ | SIGNER,           0, 0,   DOES(bundle), vdm_needs_of_bundle, NULL},
    {"checkpoint",    "handing out", READ,                    0, 0,   DOES(checkpoint), NULL, NULL},
    {"prove",         "handing out", READ,                    1, 1,   DOES(prove), NULL, NULL},
    {"fork-proof",    "handing out", NOTHING,                 2, 2,   DOES(fork_proof), NULL, NULL},
    {"mirror",        "upkeep",      READ,                    1, 1,   DOES(mirror), NULL, NULL},
    {"recover",       "upkeep",      WRITE,                   0, 0,   DOES(recover), NULL, NULL},
    {"reindex",       "upkeep",      WRITE,                   0, 0,   DOES(reindex), NULL, NULL},
    {"key list",      "keys",        READ,                    0, 0,   DOES(key_list), NULL, NULL},
    {"key new",       "keys",        READ,                    0, 1,   DOES(key_new), NULL, NULL},
    {"key authorize", "keys",        DECIDE,                  1, 1,   CHANGES(key_authorize)},
    {"key retire",    "keys",        DECIDE,                  1, 1,   CHANGES(key_retire)},
    {"key revoke",    "keys",        DECIDE,                  1, 1,   CHANGES(key_revoke)},
    {"key sign",      "keys",        VDM_NEEDS_KEY_FILE,      1, 1,   DOES(key_sign), NULL, NULL},
    {"key submit",    "keys",        WRITE | LEDGER,          1, 1,   DOES(key_submit), NULL, vdm_plan_key_submit},
    {"key passwd",    "keys",        VDM_NEEDS_KEY_FILE,      1, 1,   DOES(key_passwd), NULL, NULL},
    {"key export",    "keys",        READ,                    1, 1,   DOES(key_export), NULL, NULL},
    {"trust",         "keys",        READ,                    1, 2,   DOES(trust), NULL, NULL},
    {NULL, NULL, 0, 0, 0, NULL, NULL, NULL, NULL},
};
/* clang-format on */

const struct vdm_opt vdm_global_options[] = {
    {"archive", 'C', "FOLDER", "the archive (else $VIDIMUS_ARCHIVE, else the current folder)"},
    {"json", 0, NULL, "results as JSON: one object, or one a line for lists"},
    {"quiet", 'q', NULL, "results and errors only"},
    {"verbose", 'v', NULL, "more detail"},
    {"no-progress", 0, NULL, "no progress bar"},
    {"help", 'h', NULL, "help; for a command, with examples"},
    {"version", 0, NULL, "version, libraries, and under what protection foreign bytes are parsed"},
    {NULL, 0, NULL, NULL},
};

/* Options of all commands that need such a key. */
static const struct {
    unsigned needs; /* one of these */
    struct vdm_opt opt;
} signing[] = {
    {VDM_NEEDS_SIGNER, {"signer", 0, "NAME", "whose key signs, where keys/ holds several"}},
    {VDM_NEEDS_SIGNER,
     {"signer-key", 0, "FILE", "that secret key (else: $VIDIMUS_SIGNER_KEY, else: in keys/)"}},
    {VDM_NEEDS_AUDITOR, {"auditor", 0, "NAME", "whose key signs, where keys/ holds several"}},
    {VDM_NEEDS_AUDITOR,
     {"auditor-key", 0, "FILE", "that secret key (else: $VIDIMUS_AUDITOR_KEY, else: in keys/)"}},
    {VDM_NEEDS_AUTHORITY,
     {"authority-key", 0, "FILE", "the authority's secret key (else: keys/authority.key)"}},
    {VDM_NEEDS_SIGNER | VDM_NEEDS_AUDITOR | VDM_NEEDS_LEDGER | VDM_NEEDS_AUTHORITY,
     {"passphrase-file", 0, "FILE",
      "passphrase in the file's first line (else: asked on the terminal)"}},
};
#define SIGNING_OPTIONS (sizeof signing / sizeof *signing)

struct vdm_opt *vdm_command_options(const struct vdm_command *c)
{
    const struct vdm_opt *own = c->manual->options;
    size_t n = 0;
    while (own && own[n].name)
        n++;
    struct vdm_opt *all = calloc(n + SIGNING_OPTIONS + 1, sizeof *all);
    if (!all)
        return NULL;
    if (n)
        memcpy(all, own, n * sizeof *all);
    for (size_t i = 0; i < SIGNING_OPTIONS; i++)
        if (c->needs & signing[i].needs)
            all[n++] = signing[i].opt;
    return all;
}
