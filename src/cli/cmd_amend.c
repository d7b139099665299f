/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/stated.h"
#include "cli/view.h"
#include "ops/amend.h"

#include <stdlib.h>

static const struct vdm_opt amend_options[] = {
    {"metadata", 0, "FILE", "a table: CSV, JSON or JSON Lines, one row a capture (`entry`)"},
    {"clear", 0, "KEYS", "take these fields out, e.g. note,rights (may repeat)"},
    {"vouch", 0, NULL, "sign a record that does not change, too"},
    {"dry-run", 0, NULL, "write nothing, show what would change"},
    VDM_STATED_OPTIONS,
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_amend = {
    .usage = "N... | --metadata FILE",
    .summary = "a corrected record, beside the one before it",
    .paragraphs =
        {
            "N is a capture, or several of them (3 5-7); then only what can be true of all is "
            "stated. What an option states takes the place of all that the record said of that "
            "field, that it is unknown or inferred included; of --field, each name is a field of "
            "its own. --clear takes fields out; the rest is carried over. The record before "
            "stays in the ledger; `vidimus show` shows all records of a capture and what each "
            "changed, and bundles carry all of them.",
            "A table has the columns of import, `entry` instead of `file`, and `clear`.",
            "A record that would not change is refused, unless --vouch is given: an amendment by "
            "a signer whose key is good vouches again for a capture whose signer's key was "
            "revoked. Captures that were withdrawn are not amended, and no record that is not "
            "the one that was signed.",
        },
    .examples =
        {
            {"vidimus amend 17 --title 'The council met' --issued 2019-11-28 \\\n    "
             "--clear note --dry-run",
             "what would change in one record"},
            {"vidimus amend --metadata corrections.csv", "many corrections, from a table"},
            {"vidimus amend 40-52 --vouch", "captures of a revoked key that you know to be good"},
        },
    .options = amend_options,
};

unsigned vdm_needs_of_amend(const struct vdm_args *args)
{
    return vdm_args_has(args, "dry-run") ? VDM_NEEDS_READ
                                         : VDM_NEEDS_WRITE | VDM_NEEDS_SIGNER | VDM_NEEDS_LEDGER;
}

struct telling {
    struct vdm_cli *cli;
    json_t *amended, *refusals; /* NULL: for people */
};

static void tell_json(struct telling *t, const struct vdm_amended *told)
{
    if (told->status == VDM_AMEND_REFUSED) {
        if (json_array_size(t->refusals) < VDM_FINDINGS_MAX)
            json_array_append_new(t->refusals,
                                  json_pack("{s:o,s:o}", "entry", vdm_json_bytes(told->what),
                                            "reason", vdm_json_bytes(vdm_str(told->reason))));
        return;
    }
    bool done = told->status == VDM_AMENDED;
    json_array_append_new(
        t->amended, json_pack("{s:I,s:o,s:o}", "entry", (json_int_t)told->capture, "amendment",
                              done ? json_integer((json_int_t)told->entry) : json_null(), "changes",
                              vdm_changes_json(told->before, told->after)));
}

static void tell(void *ctx, const struct vdm_amended *told)
{
    struct telling *t = ctx;
    vdm_progress_end(t->cli);
    if (t->amended) {
        tell_json(t, told);
    } else if (told->status == VDM_AMEND_REFUSED) {
        fputs("refused  ", stderr);
        vdm_out_text(stderr, told->what);
        fputs("    ", stderr);
        vdm_out_str(stderr, told->reason);
        fputc('\n', stderr);
    } else if (!t->cli->quiet) {
        if (told->status == VDM_AMENDED)
            printf("entry %llu   amended by entry %llu\n", (unsigned long long)told->capture,
                   (unsigned long long)told->entry);
        else
            printf("entry %llu   would be amended\n", (unsigned long long)told->capture);
        vdm_changes_print(told->before, told->after);
    }
}

static void print_done(const struct vdm_amend_done *d, bool dry)
{
    vdm_out_count(stdout, d->amended, "record", "records");
    puts(dry ? " would be amended" : " amended; the ones before stay in the ledger");
    if (d->refused) {
        fputs("  ", stdout);
        vdm_out_number(stdout, d->refused);
        puts(" refused, listed above");
    }
    vdm_out_checkpoint(vdm_buf_bytes(&d->checkpoint));
}

static bool print_json(const struct vdm_amend_done *d, struct telling *t, struct vdm_err *err)
{
    json_t *checkpoint =
        d->checkpoint.n ? vdm_json_value(vdm_buf_bytes(&d->checkpoint)) : json_null();
    return vdm_json_print(json_pack("{s:I,s:I,s:o,s:o,s:o}", "amended", (json_int_t)d->amended,
                                    "refused", (json_int_t)d->refused, "entries", t->amended,
                                    "refusals", t->refusals, "checkpoint", checkpoint),
                          err);
}

static bool run(struct vdm_cli *cli, const struct vdm_amend_request *r, int *status,
                struct vdm_err *err)
{
    struct vdm_amend_done done = {0};
    struct telling t = {.cli = cli};
    if (cli->json) {
        t.amended = json_array();
        t.refusals = json_array();
    }
    bool ok = vdm_amend(cli->archive, r, &cli->signers, &cli->progress, tell, &t, &done, err);
    vdm_progress_end(cli);
    if (ok || done.amended + done.refused > 0) {
        if (!cli->json)
            print_done(&done, r->dry_run);
        else if (!print_json(&done, &t, ok ? err : NULL))
            ok = false;
    }
    vdm_buf_release(&done.checkpoint);
    *status = done.refused ? VDM_EXIT_FINDING : VDM_EXIT_DONE;
    return ok;
}

static bool read_numbers(const struct vdm_args *args, struct vdm_buf *numbers,
                         struct vdm_amend_request *r, struct vdm_err *err)
{
    r->table = vdm_args_value(args, "metadata");
    if ((args->rests > 0) == (r->table != NULL))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "say which captures: numbers (3 5-7), or a table (--metadata FILE)");
    for (size_t i = 0; i < args->rests; i++)
        if (!vdm_cli_ranges(args->rest[i], numbers, err))
            return false;
    r->entry = (const uint64_t *)(const void *)numbers->p;
    r->entries = numbers->n / sizeof *r->entry;
    return (r->entries < 2 && !r->table) || vdm_stated_check_several(args, false, err);
}

VDM_COMMAND(amend)
{
    struct vdm_buf numbers VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_stated *stated = calloc(1, sizeof *stated);
    struct vdm_amend_request r = {.vouch = vdm_args_has(args, "vouch"),
                                  .dry_run = vdm_args_has(args, "dry-run")};
    const char *clear;
    bool ok = (stated || vdm_fail_memory(err)) && read_numbers(args, &numbers, &r, err) &&
              vdm_stated_collect(cli, args, stated, err);
    for (size_t k = 0; ok && (clear = vdm_args_nth(args, "clear", k)); k++) {
        uint64_t fields = 0;
        ok = vdm_cli_fields(clear, &fields, err) || vdm_err_prefix(err, "--clear");
        r.cleared |= fields;
    }
    if (ok) {
        r.given = stated->line;
        r.givens = stated->n;
        ok = run(cli, &r, status, err);
    }
    if (stated)
        vdm_stated_release(stated);
    free(stated);
    return ok;
}
