/* SPDX-License-Identifier: MIT */
/* recover, reindex, checkpoint, prove: short commands around one call each. */
#include "cli/cmd.h"
#include "ops/query.h"
#include "ops/recover.h"

#include <string.h>

const struct vdm_manual vdm_manual_recover = {
    .usage = "",
    .summary = "finishes or undoes an interrupted write",
    .paragraphs =
        {
            "Commands that write do it by themselves; those that only read do not write and name "
            "this one. After a write that failed (keys/needs-verify) the whole archive is "
            "verified first.",
        },
    .examples =
        {
            {"vidimus -C /srv/archive recover", "after a crash"},
        },
};

VDM_COMMAND(recover)
{
    struct vdm_recovered r;
    (void)args;
    (void)status;
    if (!vdm_recover(cli->archive, &cli->progress, &r, err))
        return false;
    vdm_progress_end(cli);
    bool erased = r.erased.documents || r.erased.records;
    if (cli->json)
        return vdm_json_print(json_pack("{s:I,s:I,s:b,s:I,s:I,s:b}", "entries",
                                        (json_int_t)r.entries, "leftovers", (json_int_t)r.leftovers,
                                        "erased", erased, "documents_erased",
                                        (json_int_t)r.erased.documents, "records_erased",
                                        (json_int_t)r.erased.records, "guard_made", r.guard_made),
                              err);
    if (r.entries) {
        vdm_out_count(stdout, r.entries, "entry was", "entries were");
        puts(" committed but not acknowledged: now they are.");
    }
    if (r.leftovers) {
        vdm_out_count(stdout, r.leftovers, "leftover file", "leftover files");
        puts(" removed from store/tmp.");
    }
    if (erased) {
        fputs("What was withdrawn, and was still there, is erased: ", stdout);
        vdm_out_count(stdout, r.erased.documents, "document", "documents");
        fputs(", ", stdout);
        vdm_out_count(stdout, r.erased.records, "record", "records");
        puts(".");
    }
    if (r.guard_made)
        puts("keys/last-checkpoint was missing and was made anew from the ledger as it is. If the "
             "ledger\n"
             "was put back to an older state before, this cannot be noticed here any more: compare "
             "it\n"
             "with a checkpoint kept elsewhere (`vidimus verify --checkpoint FILE`).");
    if (!r.entries && !r.leftovers && !erased && !r.guard_made)
        puts("Nothing was left undone.");
    return true;
}

const struct vdm_manual vdm_manual_reindex = {
    .usage = "",
    .summary = "rebuilds the catalog from the ledger",
    .paragraphs =
        {
            "store/catalog.db is derived; losing it loses nothing.",
        },
    .examples =
        {
            {"vidimus -C /srv/archive reindex", "where the catalog is damaged or lost"},
        },
};

VDM_COMMAND(reindex)
{
    uint64_t size;
    (void)args;
    (void)status;
    if (!vdm_reindex(cli->archive, &cli->progress, err) ||
        !vdm_ledger_size(cli->archive->ledger, &size, err))
        return false;
    vdm_progress_end(cli);
    if (cli->json)
        return vdm_json_print(json_pack("{s:I}", "entries", (json_int_t)size), err);
    fputs("The catalog was made anew from ", stdout);
    vdm_out_count(stdout, size, "entry", "entries");
    puts(".");
    return true;
}

static json_t *file_or_null(const char *output)
{
    bool is_file = output && strcmp(output, "-") != 0;
    return is_file ? vdm_json_bytes(vdm_str(output)) : json_null();
}

static const struct vdm_opt checkpoint_options[] = {
    {"at", 0, "SIZE", "the one that covers SIZE entries (default: the newest)"},
    {"output", 'o', "FILE", "write it to a new file"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_checkpoint = {
    .usage = "[--at SIZE] [-o FILE]",
    .summary = "prints a signed checkpoint",
    .paragraphs =
        {
            "Keep it somewhere else: `vidimus verify --checkpoint FILE` then proves that nothing "
            "before it was changed.",
        },
    .examples =
        {
            {"vidimus checkpoint -o /media/usb/checkpoint-2026-11-21",
             "the newest one, to another disk"},
        },
    .options = checkpoint_options,
};

static bool print_json_checkpoint(struct vdm_bytes text, const char *output, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_checkpoint c;
    return vdm_checkpoint_open(text, &note, &c, err) &&
           vdm_json_print(json_pack("{s:o,s:I,s:o,s:o,s:o}", "origin", vdm_json_value(c.origin),
                                    "size", (json_int_t)c.size, "root", vdm_json_root(c.root),
                                    "checkpoint", vdm_json_value(text), "file",
                                    file_or_null(output)),
                          err);
}

VDM_COMMAND(checkpoint)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    const char *at = vdm_args_value(args, "at"), *output = vdm_args_value(args, "output");
    uint64_t size = 0;
    (void)status;
    if (at && (!vdm_cli_number(at, "--at", &size, err) || size == 0))
        return err->kind ? false : vdm_fail_as(err, VDM_ERR_USAGE, "--at 0 covers nothing");
    if (!vdm_query_checkpoint(cli->archive, size, &note, err))
        return false;
    struct vdm_bytes bytes = vdm_buf_bytes(&note);
    bool to_file = output && strcmp(output, "-") != 0;
    if ((to_file || !cli->json) && !vdm_cli_write_file(output ? output : "-", bytes, err))
        return false;
    return !cli->json || print_json_checkpoint(bytes, output, err);
}

static const struct vdm_opt prove_options[] = {
    {"output", 'o', "FILE", "write it to a new file (- for standard output)"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_prove = {
    .usage = "N -o FILE.tlog-proof",
    .summary = "writes the inclusion proof of one entry",
    .paragraphs =
        {
            "For other people's tools (C2SP tlog-proof); the entry itself stands in the `extra` "
            "line.",
        },
    .examples =
        {
            {"vidimus prove 17 -o 17.tlog-proof", "that entry 17 is in the ledger"},
        },
    .options = prove_options,
};

VDM_COMMAND(prove)
{
    struct vdm_buf proof VDM_CLEANUP(vdm_buf_release) = {0};
    const char *output = vdm_args_value(args, "output");
    uint64_t n;
    (void)status;
    if (!output)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "-o FILE.tlog-proof is needed (- for standard output)");
    if (!vdm_cli_number(args->rest[0], "the entry", &n, err) ||
        !vdm_query_proof(cli->archive, n, &proof, err))
        return false;
    struct vdm_bytes bytes = vdm_buf_bytes(&proof);
    if ((strcmp(output, "-") != 0 || !cli->json) && !vdm_cli_write_file(output, bytes, err))
        return false;
    return !cli->json ||
           vdm_json_print(json_pack("{s:I,s:o,s:o}", "entry", (json_int_t)n, "proof",
                                    vdm_json_value(bytes), "file", file_or_null(output)),
                          err);
}
