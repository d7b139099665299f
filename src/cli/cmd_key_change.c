/* SPDX-License-Identifier: MIT */
/* key authorize, retire, revoke: one way, told before a passphrase is asked for. */
#include "cli/cmd.h"
#include "cli/keylist.h"
#include "ops/request.h"

#include <string.h>

#define EVERY_CHANGE                                                                               \
    {"reason", 0, "TEXT", "why, for everybody to read"},                                           \
    {                                                                                              \
        "request", 0, "FILE", "write a request for `key sign` on another machine; sign nothing"    \
    }

#define SIGNED_BY_AUTHORITY                                                                        \
    "Signed by the authority, whose secret key --authority-key names where it does not lie in "    \
    "keys/, as it should not. Says what it changes before it asks for a passphrase, and refuses "  \
    "what a verifier would not accept. For an authority whose machine is never connected, "        \
    "--request writes what is to be signed and signs nothing; then come `vidimus key sign` there " \
    "and `vidimus key submit` here."

static const struct vdm_opt key_authorize_options[] = {
    {"role", 0, "ROLE", "signer, auditor or ledger"},
    EVERY_CHANGE,
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_authorize = {
    .usage = "NAME|FILE.pub|VKEY --role signer|auditor|ledger [--reason TEXT]",
    .summary = "lets a key sign, from the next entry on",
    .paragraphs =
        {
            "NAME is that of a public key in keys/. Compare the fingerprint with the key's owner "
            "before.",
            "A new ledger key signs checkpoints from here on, so its secret key must lie in "
            "keys/. The old one signs the first of them too if it is there; retire it "
            "afterwards, as `old-ledger`.",
            SIGNED_BY_AUTHORITY,
        },
    .examples =
        {
            {"vidimus key authorize badr@archive.example.org --role signer \\\n    "
             "--authority-key /media/usb/authority.key",
             "a second archivist"},
            {"vidimus key authorize ledger-2027.pub --role ledger", "a new key for checkpoints"},
        },
    .options = key_authorize_options,
    .arguments = "own-key file",
};

static const struct vdm_opt key_retire_options[] = {
    EVERY_CHANGE,
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_retire = {
    .usage = "NAME|VKEY [--reason TEXT]",
    .summary = "ends a key in good hands",
    .paragraphs =
        {
            "What it signed stays good; from here on it signs nothing more. `ledger` names the "
            "ledger key in force.",
            SIGNED_BY_AUTHORITY,
        },
    .examples =
        {
            {"vidimus key retire amal@archive.example.org --reason 'left the archive'",
             "an archivist who left"},
        },
    .options = key_retire_options,
    .arguments = "own-key",
};

static const struct vdm_opt key_revoke_options[] = {
    {"since", 0, "N", "the first entry that is in doubt"},
    EVERY_CHANGE,
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_revoke = {
    .usage = "NAME|VKEY --since N [--reason TEXT]",
    .summary = "ends a key in the wrong hands",
    .paragraphs =
        {
            "What it signed from entry N on counts no more: it is reported until an amendment by "
            "another signer vouches for it, or a withdrawal takes it down. Says first how much "
            "that is.",
            SIGNED_BY_AUTHORITY,
        },
    .examples =
        {
            {"vidimus key revoke amal@archive.example.org --since 1041 \\\n    "
             "--reason 'laptop stolen'",
             "what was signed from entry 1041 on is in doubt"},
        },
    .options = key_revoke_options,
    .arguments = "own-key",
};

/* `key retire` does what its second word says. */
static enum vdm_key_action action_of(const struct vdm_command *c)
{
    enum vdm_key_action action = VDM_KEY_AUTHORIZE;
    while (strcmp(vdm_action_name(action), strchr(c->name, ' ') + 1) != 0)
        action++;
    return action;
}

static bool take_since(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    const char *since = vdm_args_value(args, "since");
    if (!since)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--since N is needed: the first entry that is in doubt. (A key in good "
                           "hands is retired)");
    return vdm_cli_number(since, "--since", &cli->key_change.since, err);
}

static bool take_reason(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    const char *reason = vdm_args_value(args, "reason");
    if (!reason)
        return true;
    if (!vdm_cli_escape(&cli->memory, reason, err))
        return false;
    cli->key_change.reason = vdm_buf_bytes(&cli->memory);
    return true;
}

/* --- what it will do, in words: lines --- */

static void put_who(struct vdm_cli *cli, const struct vdm_key_effect *e, struct vdm_buf *out)
{
    static const char *const verbs[] = {"authorizes", "retires", "revokes"};
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &e->range.key.key, fingerprint);
    vdm_buf_putf(out, "This %s as entry %llu the %s key %s   %s\n", verbs[cli->key_change.action],
                 (unsigned long long)e->entry, vdm_role_name(e->range.role), fingerprint,
                 e->range.key.name);
}

static void put_authorize(const struct vdm_key_effect *e, struct vdm_buf *out)
{
    vdm_buf_putf(
        out, "  Compare the fingerprint with the key's owner. It may sign from entry %llu on.\n",
        (unsigned long long)e->range.from);
}

static void put_retire(const struct vdm_key_effect *e, struct vdm_buf *out)
{
    vdm_buf_putf(out, "  What it signed before entry %llu stays good; it signs nothing more.\n",
                 (unsigned long long)e->entry);
}

static void put_revoke(const struct vdm_key_effect *e, struct vdm_buf *out)
{
    vdm_buf_putf(out,
                 "  What it signed from entry %llu on counts no more. Captures and amendments: "
                 "%llu. Audits: %llu.\n",
                 (unsigned long long)e->range.until, (unsigned long long)e->captures,
                 (unsigned long long)e->audits);
    if (e->captures)
        vdm_buf_puts(out, "  Each of these captures is reported (signer-unauthorized) until an "
                          "amendment by another signer vouches for it, or a withdrawal takes it "
                          "down.\n");
    if (e->range.role == VDM_ROLE_LEDGER)
        vdm_buf_putf(out,
                     "  Checkpoints that it signed before entry %llu stay good here; compare those "
                     "that others have kept.\n",
                     (unsigned long long)e->entry);
}

static void put_succession(struct vdm_cli *cli, const struct vdm_key_effect *e, struct vdm_buf *out)
{
    char fingerprint[20];
    if (!e->ledger.changes)
        return;
    vdm_fingerprint(cli->crypto, &e->ledger.now.key.key, fingerprint);
    vdm_buf_putf(out, "  From this checkpoint on, checkpoints are signed by the ledger key %s.\n",
                 fingerprint);
    bool here = vdm_key_at_hand(cli->archive, &e->ledger.before.key, NULL);
    vdm_buf_puts(out, here ? "  This first one is signed by the key before it too, so that those "
                             "who know that one can follow.\n"
                           : "  The secret key before it is not in keys/: those who know only that "
                             "one cannot follow.\n");
}

static bool put_effect(struct vdm_cli *cli, const struct vdm_key_effect *e, struct vdm_buf *out,
                       struct vdm_err *err)
{
    static void (*const put[])(const struct vdm_key_effect *,
                               struct vdm_buf *) = {put_authorize, put_retire, put_revoke};
    put_who(cli, e, out);
    put[cli->key_change.action](e, out);
    put_succession(cli, e, out);
    if (e->signers == 0)
        vdm_buf_puts(out, "  No signer is left after it: nothing can be imported until one is "
                          "authorized.\n");
    return vdm_buf_ok(out, err);
}

/* The new ledger key signs the checkpoint over its own authorization. */
static bool check_ledger_key(struct vdm_cli *cli, const struct vdm_key_effect *e,
                             struct vdm_err *err)
{
    return vdm_key_at_hand(cli->archive, &e->ledger.now.key, NULL) ||
           vdm_fail(err,
                    "keys/ does not hold the secret ledger key %s that would sign the "
                    "checkpoint over this: put its file there first",
                    e->ledger.changes ? "in force after it" : "in force");
}

bool vdm_cli_say_key_change(struct vdm_cli *cli, struct vdm_err *err)
{
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_key_effect effect;
    if (!vdm_key_change_check(cli->archive, &cli->key_change, &effect, err) ||
        !check_ledger_key(cli, &effect, err) || !put_effect(cli, &effect, &words, err))
        return false;
    vdm_cli_say(cli, "%.*s", (int)words.n, (const char *)words.p);
    cli->unlock.change = &cli->key_change;
    return true;
}

bool vdm_plan_key_change(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_key_event *event = &cli->key_change;
    event->action = action_of(cli->command);
    return (event->action != VDM_KEY_AUTHORIZE || vdm_cli_role(args, &event->role, err)) &&
           (event->action != VDM_KEY_REVOKE || take_since(cli, args, err)) &&
           take_reason(cli, args, err) &&
           vdm_key_change_find(cli->archive, args->rest[0], event, err) &&
           vdm_cli_say_key_change(cli, err);
}

unsigned vdm_needs_of_key_change(const struct vdm_args *args)
{
    return vdm_args_has(args, "request") ? VDM_NEEDS_READ
                                         : VDM_NEEDS_WRITE | VDM_NEEDS_AUTHORITY | VDM_NEEDS_LEDGER;
}

/* --- doing it --- */

static bool print_json(struct vdm_cli *cli, const struct vdm_key_changed *done, struct vdm_err *err)
{
    const struct vdm_key_event *e = &cli->key_change;
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &e->key.key, fingerprint);
    json_t *o =
        json_pack("{s:I,s:s,s:s,s:s,s:s,s:o,s:o}", "entry", (json_int_t)done->entry, "action",
                  vdm_action_name(e->action), "role", vdm_role_name(e->role), "name", e->key.name,
                  "fingerprint", fingerprint, "since",
                  e->action == VDM_KEY_REVOKE ? json_integer((json_int_t)e->since) : json_null(),
                  "checkpoint", vdm_json_value(vdm_buf_bytes(&done->checkpoint)));
    return vdm_json_print(o, err);
}

static void print_done(struct vdm_cli *cli, const struct vdm_key_changed *done)
{
    static const char *const words[] = {"authorized   ", "retired   ", "revoked   "};
    vdm_key_print(cli, words[cli->key_change.action], cli->key_change.role, &cli->key_change.key);
    printf("  entry %llu. Keep this checkpoint somewhere else:\n", (unsigned long long)done->entry);
    fwrite(done->checkpoint.p, 1, done->checkpoint.n, stdout);
}

bool vdm_cli_print_key_changed(struct vdm_cli *cli, const struct vdm_key_changed *done,
                               struct vdm_err *err)
{
    if (cli->json)
        return print_json(cli, done, err);
    print_done(cli, done);
    return true;
}

/* What was said becomes the request's `effect` lines. */
static bool write_request(struct vdm_cli *cli, const char *file, struct vdm_err *err)
{
    struct vdm_buf words VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf request VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_entry e = {
        .kind = VDM_ENTRY_KEY, .recorded = vdm_time_now(), .key = cli->key_change};
    struct vdm_key_effect effect;
    if (!vdm_key_change_check(cli->archive, &cli->key_change, &effect, err) ||
        !put_effect(cli, &effect, &words, err) ||
        !vdm_request_make(cli->archive, &e, vdm_buf_bytes(&words), &request, err))
        return false;
    return vdm_cli_write_request(cli, file, e.n, vdm_buf_bytes(&request), err);
}

VDM_COMMAND(key_change)
{
    struct vdm_key_changed done;
    const char *request = vdm_args_value(args, "request");
    (void)status;
    if (request)
        return write_request(cli, request, err);
    bool ok = vdm_key_change_apply(cli->archive, &cli->key_change, &cli->signers, &done, err) &&
              vdm_cli_print_key_changed(cli, &done, err);
    vdm_buf_release(&done.checkpoint);
    return ok;
}
