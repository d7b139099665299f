/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "ops/fork_make.h"
#include "ops/keys.h"

#include <string.h>
#include <unistd.h>

static const struct vdm_opt fork_proof_options[] = {
    {"output", 'o', "FILE", "write it to a new file (- for standard output)"},
    {"ledger-key", 0, "KEY",
     "the ledger's key, a file (.pub) or a trusted name, where A and B hold none"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_fork_proof = {
    .usage = "A B -o FILE.fork-proof",
    .summary = "proves that two histories were signed",
    .paragraphs =
        {
            "A and B are each an archive's folder, a bundle, a proof file or a checkpoint. Where "
            "they contradict each other, FILE convinces everybody who knows the ledger's key. "
            "Where one extends the other, nothing is written: exit status 1.",
            "Checkpoints of two sizes alone cannot show it: one of the two must be the whole "
            "archive that the larger is of. --ledger-key is needed where neither holds the "
            "public key, as of two bare checkpoints.",
        },
    .examples =
        {
            {"vidimus fork-proof /srv/archive kept-elsewhere -o two-histories.fork-proof",
             "an archive against a checkpoint that was kept"},
            {"vidimus verify two-histories.fork-proof --trust ledger.pub",
             "what others do with it"},
        },
    .options = fork_proof_options,
    .arguments = "file",
};

static void print_checkpoint(const struct vdm_checkpoint *h)
{
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_base64_append(&root, vdm_digest_bytes(&h->root));
    fputs("  signed        ", stdout);
    vdm_out_count(stdout, h->size, "entry", "entries");
    printf(", root %.*s\n", (int)root.n, (const char *)root.p);
}

static void print_made(struct vdm_cli *cli, const char *output, const struct vdm_fork_proof *p)
{
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    char fingerprint[20];
    vdm_vkey_append(&vkey, &p->key);
    vdm_fingerprint(cli->crypto, &p->key.key, fingerprint);
    vdm_out_str(stdout, output);
    printf(": two histories of %s contradict each other.\n  by the key    %s\n", p->key.name,
           fingerprint);
    print_checkpoint(&p->head[0]);
    print_checkpoint(&p->head[1]);
    fputs("It does not say which is the true one. Who knows this key as the ledger's runs:\n"
          "  vidimus verify ",
          stdout);
    vdm_out_str(stdout, output);
    printf(" --trust %.*s\n", (int)vkey.n, (const char *)vkey.p);
}

static json_t *json_checkpoint(const struct vdm_checkpoint *h)
{
    return json_pack("{s:I,s:o}", "size", (json_int_t)h->size, "root", vdm_json_root(h->root));
}

static bool print_json(const char *output, const struct vdm_fork_made *made, struct vdm_err *err)
{
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    if (!made->contradiction)
        return vdm_json_print(json_pack("{s:b}", "contradiction", 0), err);
    vdm_vkey_append(&vkey, &made->p.key);
    bool is_file = strcmp(output, "-") != 0;
    return vdm_json_print(
        json_pack("{s:b,s:s,s:o,s:[o,o],s:o,s:o}", "contradiction", 1, "origin", made->p.key.name,
                  "ledger_key", vdm_json_value(vdm_buf_bytes(&vkey)), "checkpoints",
                  json_checkpoint(&made->p.head[0]), json_checkpoint(&made->p.head[1]), "proof",
                  vdm_json_value(vdm_buf_bytes(&made->text)), "file",
                  is_file ? vdm_json_bytes(vdm_str(output)) : json_null()),
        err);
}

static bool tell(struct vdm_cli *cli, const char *output, const struct vdm_fork_made *made,
                 struct vdm_err *err)
{
    bool to_file = strcmp(output, "-") != 0;
    if (made->contradiction && (to_file || !cli->json) &&
        !vdm_cli_write_file(output, vdm_buf_bytes(&made->text), err))
        return false;
    if (cli->json)
        return print_json(output, made, err);
    if (!made->contradiction)
        puts(
            "No contradiction: one of the two extends the other, or they are the same. Nothing was "
            "written.");
    else if (to_file)
        print_made(cli, output, &made->p);
    return true;
}

/* Status 1 without a contradiction: what was asked for is not there, as with `show FILE`. */
VDM_COMMAND(fork_proof)
{
    const char *output = vdm_args_value(args, "output"), *value;
    struct vdm_anchors keys VDM_CLEANUP(vdm_anchors_release) = {0};
    struct vdm_fork_made made;
    if (!output)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "-o FILE.fork-proof is needed (- for standard output)");
    if (strcmp(output, "-") != 0 && access(output, F_OK) == 0)
        return vdm_fail(err, "%s is there already, and is not written over", output);
    for (size_t i = 0; (value = vdm_args_nth(args, "ledger-key", i)); i++)
        if (!vdm_anchors_add(&keys, cli->crypto, cli->path_given ? cli->path : NULL, value, err))
            return false;
    struct vdm_fork_request r = {{args->rest[0], args->rest[1]}, keys.key, keys.n};
    bool ok = vdm_fork_make(cli->crypto, &r, &cli->progress, &made, err);
    vdm_progress_end(cli);
    ok = ok && tell(cli, output, &made, err);
    if (ok && !made.contradiction)
        *status = VDM_EXIT_FINDING;
    vdm_buf_release(&made.text);
    return ok;
}
