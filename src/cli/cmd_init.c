/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "ops/init.h"

#include <stdlib.h>
#include <string.h>

static const struct vdm_opt init_options[] = {
    {"origin", 0, "NAME", "the ledger's name, like archive.example.org/statements"},
    {"signer", 0, "NAME", "name of the first archivist's key, like amal@archive.example.org"},
    {"passphrase-file", 0, "FILE", "passphrase for the keys in the file's first line"},
    {"no-passphrase", 0, NULL, "keys in the clear: whoever reads the files can sign"},
    {"group", 0, "GROUP", "share it with the other users of this group"},
    {"continues", 0, "FILE", "the last checkpoint of an older ledger that this one goes on from"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_init = {
    .usage = "[FOLDER] --origin NAME [--signer NAME]",
    .summary = "makes an archive: keys, store and ledger",
    .paragraphs =
        {
            "FOLDER (default: the archive named by -C, or the current folder) gets keys/ and "
            "store/. A folder that holds an archive already is refused.",
            "Three keys are made: the authority key, which vouches for all others and should be "
            "moved offline; the ledger key, which signs checkpoints; and the first archivist's "
            "key. Asks twice for a passphrase.",
            "--group shares the archive with the other users of a group: they may import and "
            "verify, and read the ledger key. Each keeps a signer's key of their own.",
            "After the authority key of a ledger was lost or stolen, a new one with another name "
            "goes on from it: --continues takes the file with its last checkpoint, and status and "
            "verify name it.",
        },
    .examples =
        {
            {"vidimus init /srv/archive --origin archive.example.org/statements \\\n    "
             "--signer amal@archive.example.org",
             "an archive, its ledger's name, and the first archivist"},
        },
    .options = init_options,
    .arguments = "folder",
};

/* `<user>@<origin up to the first slash>`, as far as names allow. */
static void default_signer(const char *origin, char out[VDM_NAME_MAX + 1])
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    const char *user = getenv("USER");
    size_t host = strcspn(origin, "/");
    if (!user || !*user || strlen(user) > 20 || user[strspn(user, allowed)])
        user = "archivist";
    if (host > VDM_NAME_MAX - 21)
        host = VDM_NAME_MAX - 21;
    snprintf(out, VDM_NAME_MAX + 1, "%s@%.*s", user, (int)host, origin);
}

static void print_key(const struct vdm_cli *cli, const char *what, const struct vdm_vkey *k)
{
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &k->key, fingerprint);
    printf("  %-10s %s   %s\n", what, fingerprint, k->name);
}

static void print_done(const struct vdm_cli *cli, const char *path, const struct vdm_init_done *d,
                       bool locked)
{
    fputs("Made the archive ", stdout);
    vdm_out_str(stdout, path);
    printf(" for %s.\n", d->ledger.name);
    print_key(cli, "authority", &d->authority);
    print_key(cli, "ledger", &d->ledger);
    print_key(cli, "signer", &d->signer);
    puts(
        "Give keys/authority.pub to those who will verify; they compare the fingerprint with you.\n"
        "Now move keys/authority.key to a place that is offline (and keep a copy): daily work does "
        "not\n"
        "need it.");
    if (!locked)
        puts("The keys have no passphrase: whoever can read keys/*.key can sign.");
    puts(
        "Keep this checkpoint somewhere else; it proves later that nothing before it was changed:");
    fwrite(d->checkpoint.p, 1, d->checkpoint.n, stdout);
}

VDM_COMMAND(init)
{
    struct vdm_cli_lock lock VDM_CLEANUP(vdm_cli_lock_release) = {0};
    char signer[VDM_NAME_MAX + 1];
    const char *origin = vdm_args_value(args, "origin");
    const char *name = vdm_args_value(args, "signer");
    (void)status;
    if (!origin)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--origin NAME is needed: the ledger's name for ever, like "
                           "archive.example.org/statements");
    default_signer(origin, signer);
    struct vdm_init_request r = {.path = args->rests ? args->rest[0] : cli->path,
                                 .origin = origin,
                                 .signer = name ? name : signer,
                                 .group = vdm_args_value(args, "group"),
                                 .continues = vdm_args_value(args, "continues")};
    if (!vdm_init_check(&r, err) ||
        !vdm_cli_lock(&lock, args, "passphrase-file", "the new keys", err))
        return false;
    r.lock = vdm_cli_lock_of(&lock);
    struct vdm_init_done done;
    bool ok = vdm_init(cli->crypto, &r, &done, err);
    if (ok && cli->json)
        ok =
            vdm_json_print(json_pack("{s:o,s:s,s:s,s:s,s:o}", "path",
                                     vdm_json_bytes(vdm_str(r.path)), "origin", done.ledger.name,
                                     "authority", done.authority.name, "signer", done.signer.name,
                                     "checkpoint", vdm_json_value(vdm_buf_bytes(&done.checkpoint))),
                           err);
    else if (ok)
        print_done(cli, r.path, &done, lock.locked);
    vdm_buf_release(&done.checkpoint);
    return ok;
}
