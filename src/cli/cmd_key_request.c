/* SPDX-License-Identifier: MIT */
/* key sign, key submit: the authority on a machine that is never connected. */
#include "base/file.h"
#include "base/limits.h"
#include "cli/cmd.h"
#include "cli/keylist.h"
#include "ops/request.h"
#include "ops/withdraw.h"

#include <fcntl.h>

static bool read_text(const char *path, struct vdm_buf *out, struct vdm_err *err)
{
    return vdm_file_read(AT_FDCWD, path, VDM_NOTE_MAX, out, err) || vdm_err_prefix(err, "%s", path);
}

/* --- at the archive --- */

bool vdm_cli_write_request(struct vdm_cli *cli, const char *file, uint64_t n,
                           struct vdm_bytes request, struct vdm_err *err)
{
    if (!vdm_cli_write_file(file, request, err))
        return false;
    if (cli->json)
        return vdm_json_print(
            json_pack("{s:o,s:I}", "file", vdm_json_bytes(vdm_str(file)), "entry", (json_int_t)n),
            err);
    fputs("On the machine of the authority:\n  vidimus key sign ", stdout);
    vdm_out_str(stdout, file);
    fputs(" -o signed --authority-key FILE\nThen here, before anything else is written:\n"
          "  vidimus key submit signed\n",
          stdout);
    return true;
}

/* --- on the other machine --- */

static const struct vdm_opt key_sign_options[] = {
    {"output", 'o', "FILE", "the signed entry: a new file"},
    {"authority-key", 0, "FILE", "the authority's secret key"},
    {"passphrase-file", 0, "FILE",
     "passphrase in the file's first line (else: asked on the terminal)"},
    {"yes", 0, NULL, "do not ask"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_sign = {
    .usage = "REQUEST -o FILE --authority-key FILE",
    .summary = "signs a request on a machine that is never connected",
    .paragraphs =
        {
            "REQUEST was written by `vidimus key authorize --request`, `vidimus withdraw "
            "--request` and the like. Shows what "
            "it says, asks, and writes the signed entry. No archive is needed. What the request "
            "says of its effects is the word of the machine that wrote it; what is signed is the "
            "entry that is shown.",
        },
    .examples =
        {
            {"vidimus key sign request -o signed --authority-key authority.key",
             "on the authority's machine"},
        },
    .options = key_sign_options,
    .arguments = "file",
};

static void show_key_event(struct vdm_cli *cli, const struct vdm_key_event *e)
{
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &e->key.key, fingerprint);
    fprintf(stderr, "  %-10s the %s key %s   %s\n", vdm_action_name(e->action),
            vdm_role_name(e->role), fingerprint, e->key.name);
    if (e->action == VDM_KEY_REVOKE)
        fprintf(stderr, "  since      entry %llu\n", (unsigned long long)e->since);
    if (e->reason.n) {
        fputs("  reason     ", stderr);
        vdm_out_value(stderr, e->reason);
        fputc('\n', stderr);
    }
}

static void show_withdrawal(const struct vdm_withdrawal *w)
{
    fprintf(stderr, "  withdraw   entry %llu, its %s\n  decided by ", (unsigned long long)w->of,
            w->scope == VDM_SCOPE_BOTH ? "document and record" : vdm_scope_name(w->scope));
    vdm_out_value(stderr, w->decided_by);
    if (w->reason.n) {
        fputs("\n  reason     ", stderr);
        vdm_out_value(stderr, w->reason);
    }
    fputc('\n', stderr);
}

static void show_request(struct vdm_cli *cli, const struct vdm_request *r)
{
    struct vdm_bytes effects = r->effects, value;
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_base64_append(&root, vdm_digest_bytes(&r->root));
    fprintf(stderr, "To be signed, as entry %llu of ", (unsigned long long)r->entry.n);
    vdm_out_text(stderr, r->entry.ledger);
    fputc('\n', stderr);
    if (r->entry.kind == VDM_ENTRY_KEY)
        show_key_event(cli, &r->entry.key);
    else
        show_withdrawal(&r->entry.withdrawal);
    fprintf(stderr, "  goes on from the checkpoint %llu %.*s\n", (unsigned long long)r->size,
            (int)root.n, (const char *)root.p);
    if (effects.n)
        fputs("The archive's machine says of it:\n", stderr);
    while (vdm_request_next_effect(&effects, &value)) {
        fputs("  | ", stderr);
        vdm_out_value(stderr, value);
        fputc('\n', stderr);
    }
}

VDM_COMMAND(key_sign)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_signer *authority VDM_CLEANUP(vdm_signer_cleanup) = NULL;
    const char *output = vdm_args_value(args, "output"),
               *key = vdm_args_value(args, "authority-key");
    struct vdm_request r;
    (void)status;
    if (!output || !key)
        return vdm_fail_as(err, VDM_ERR_USAGE, "usage: vidimus %s %s", cli->command->name,
                           cli->command->manual->usage);
    if (!read_text(args->rest[0], &text, err))
        return false;
    if (!vdm_request_decode(cli->crypto, vdm_buf_bytes(&text), &r, err))
        return vdm_err_prefix(err, "%s", args->rest[0]);
    show_request(cli, &r);
    if (!vdm_cli_confirm(args, "Is this what you want to sign?", err) ||
        !vdm_unlock_file(cli->crypto, AT_FDCWD, key, &cli->passphrases, &authority, err) ||
        !vdm_request_sign(&r, authority, &note, err) ||
        !vdm_cli_write_file(output, vdm_buf_bytes(&note), err))
        return false;
    if (cli->json)
        return vdm_json_print(json_pack("{s:o,s:I}", "file", vdm_json_bytes(vdm_str(output)),
                                        "entry", (json_int_t)r.entry.n),
                              err);
    fputs("Signed. On the archive's machine, before anything else is written there:\n"
          "  vidimus key submit ",
          stdout);
    vdm_out_str(stdout, output);
    puts("");
    return true;
}

/* --- back at the archive --- */

bool vdm_plan_key_submit(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_entry e;
    if (!read_text(args->rest[0], &cli->memory, err))
        return false;
    if (!vdm_submit_check(cli->archive, vdm_buf_bytes(&cli->memory), &e, err))
        return vdm_err_prefix(err, "%s", args->rest[0]);
    if (e.kind == VDM_ENTRY_WITHDRAWAL)
        return vdm_withdraw_plan_signed(cli->archive, &e.withdrawal, &cli->takedown, err) &&
               vdm_cli_say_takedown(cli, err);
    cli->key_change = e.key;
    return vdm_cli_say_key_change(cli, err);
}

const struct vdm_manual vdm_manual_key_submit = {
    .usage = "FILE",
    .summary = "takes in an entry that was signed elsewhere",
    .paragraphs =
        {
            "Refused where the ledger went on since the request was made: then make it again. A "
            "withdrawal erases at once: it was asked for where it was signed.",
        },
    .examples =
        {
            {"vidimus key submit signed", "what came back from the authority's machine"},
        },
    .arguments = "file",
};

static bool print_submitted(struct vdm_cli *cli, const struct vdm_key_changed *done,
                            struct vdm_err *err)
{
    return cli->takedown.takens ? vdm_cli_print_withdrawn(cli, done->entry, done->entry,
                                                          vdm_buf_bytes(&done->checkpoint), err)
                                : vdm_cli_print_key_changed(cli, done, err);
}

VDM_COMMAND(key_submit)
{
    struct vdm_key_changed done;
    (void)args;
    (void)status;
    bool ok =
        vdm_submit_apply(cli->archive, vdm_buf_bytes(&cli->memory), &cli->signers, &done, err) &&
        print_submitted(cli, &done, err);
    vdm_buf_release(&done.checkpoint);
    return ok;
}
