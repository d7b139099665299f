/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/verdict.h"
#include "ops/mirror.h"

static const struct vdm_opt mirror_options[] = {
    {"all", 0, NULL, "also read again what earlier runs have copied"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_mirror = {
    .usage = "FOLDER",
    .summary = "makes a second copy, or brings it up to date",
    .paragraphs =
        {
            "The folder becomes like an archive, with everything but secret keys: it can be read "
            "and verified, and nobody can write to its ledger. Each document is hashed on its way; "
            "the ledger is copied as of one moment, checked against its signatures, and must go on "
            "from what the mirror had. Only what is new is read and copied; --all reads the rest "
            "again, too. FOLDER is a new or empty one, "
            "or a mirror of the same ledger; an archive that was rolled back is not mirrored.",
            "Stopped in between, the next run goes on. What was read and is bad here is told, and "
            "does not get there: a good copy that is there already stays. What was withdrawn here "
            "is erased "
            "there.",
            "`vidimus audit --repair-from FOLDER` takes good copies from it.",
        },
    .examples =
        {
            {"vidimus -C /srv/archive mirror /media/disk2/archive", "to another disk"},
            {"vidimus -C /media/disk2/archive verify", "is the copy good?"},
        },
    .options = mirror_options,
    .arguments = "folder",
};

static bool print_json(const struct vdm_mirror_done *d, const char *folder, struct vdm_err *err)
{
    uint64_t bad = vdm_report_findings(&d->report);
    return vdm_json_print(
        json_pack("{s:o,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "mirror",
                  vdm_json_bytes(vdm_str(folder)), "ok", bad == 0, "size", (json_int_t)d->size,
                  "size_before", (json_int_t)d->before, "documents_copied", (json_int_t)d->copied,
                  "bytes_copied", (json_int_t)d->bytes, "documents_checked", (json_int_t)d->checked,
                  "repaired", (json_int_t)d->repaired, "erased", (json_int_t)d->erased,
                  "keys_not_copied", (json_int_t)d->no_keys, "findings_total", (json_int_t)bad,
                  "findings", vdm_findings_json(&d->report.findings)),
        err);
}

static void print(struct vdm_cli *cli, const struct vdm_mirror_done *d, const char *folder)
{
    uint64_t bad = vdm_report_findings(&d->report);
    vdm_out_coloured(stdout, cli->colours, bad ? VDM_BAD : VDM_GOOD, bad ? "FINDINGS" : "MIRRORED");
    fputs("  ", stdout);
    if (bad) {
        vdm_out_count(stdout, bad, "finding", "findings");
        fputs(" in ", stdout);
        vdm_out_str(stdout, cli->path);
        fputs("; mirrored otherwise to ", stdout);
    }
    vdm_out_str(stdout, folder);
    puts("");
    vdm_findings_print(&d->report.findings);
    fputs("  ledger        ", stdout);
    vdm_out_count(stdout, d->size, "entry", "entries");
    fputs(", ", stdout);
    vdm_out_number(stdout, d->size - d->before);
    fputs(" of them new\n  documents     ", stdout);
    vdm_out_number(stdout, d->copied);
    fputs(" new, ", stdout);
    vdm_out_size(stdout, d->bytes);
    printf("; %llu read again there, %llu repaired, %llu erased that were withdrawn\n",
           (unsigned long long)d->checked, (unsigned long long)d->repaired,
           (unsigned long long)d->erased);
    if (d->no_keys)
        printf("  keys          %llu not copied: a link, or no public key in a file *.pub\n",
               (unsigned long long)d->no_keys);
}

VDM_COMMAND(mirror)
{
    struct vdm_mirror_done d = {0};
    const char *folder = args->rest[0];
    bool ok = vdm_mirror(cli->archive, folder, vdm_args_has(args, "all"), &cli->progress, &d, err);
    vdm_progress_end(cli);
    if (ok && vdm_report_findings(&d.report))
        *status = VDM_EXIT_FINDING;
    if (ok && cli->json)
        ok = print_json(&d, folder, err);
    else if (ok)
        print(cli, &d, folder);
    vdm_mirror_done_release(&d);
    return ok;
}
