/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cmd.h"
#include "ops/bundle.h"

#include <stdlib.h>
#include <string.h>

static const struct vdm_opt bundle_options[] = {
    {"output", 'o', "FILE", "the bundle, a new file: .tar, .tar.gz or .tar.zst"},
    {"entries", 0, "3,7-9", "these captures"},
    {"all", 0, NULL, "all captures"},
    VDM_FILTER_OPTIONS,
    {"disclose", 0, "KEYS", "show only these lines of the records, e.g. document,title,issued"},
    {"disclose-table", 0, "FILE",
     "for some captures another choice: a table (CSV, JSON or JSON Lines; `entry`, `disclose`)"},
    {"without-documents", 0, NULL, "a receipt: proofs and records, no documents"},
    {"created", 0, "TIME", "time of the seal (else SOURCE_DATE_EPOCH, else now)"},
    {"unsealed", 0, NULL, "without a seal: nobody says who chose (needs no key)"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_bundle = {
    .usage = "-o FILE [--entries 3,7-9 | --all | ...]",
    .summary = "writes chosen captures with their proofs, for anybody to verify",
    .paragraphs =
        {
            "FILE ends in .tar, .tar.gz or .tar.zst and appears only when it is complete. Chosen "
            "are --entries, or --all, or what --source, --collection, --issuer, --from and --to "
            "find. A bundle says nothing about what was not chosen: completeness is not proved.",
            "--disclose shows only these lines of the records; --disclose-table says it for each "
            "capture: column `entry` is its number, `disclose` the lines (title,issued) or `all`. "
            "Captures that the table does not name follow --disclose, or are whole. Where "
            "`document` is not among the lines, no document goes along. --without-documents makes "
            "a receipt. --created or SOURCE_DATE_EPOCH sets the time of the seal; --unsealed "
            "leaves the seal out.",
        },
    .examples =
        {
            {"vidimus bundle -o evidence.tar.zst --entries 3,7-9",
             "four captures with their documents"},
            {"vidimus bundle -o receipt.tar --all --without-documents", "a receipt of all"},
        },
    .options = bundle_options,
};

unsigned vdm_needs_of_bundle(const struct vdm_args *args)
{
    return VDM_NEEDS_READ | (vdm_args_has(args, "unsealed") ? 0 : VDM_NEEDS_SIGNER);
}

static bool created_time(const struct vdm_args *args, struct vdm_time *out, struct vdm_err *err)
{
    const char *given = vdm_args_value(args, "created"), *epoch = getenv("SOURCE_DATE_EPOCH");
    uint64_t seconds;
    if (given)
        return vdm_time_decode(vdm_str(given), out) ||
               vdm_fail_as(err, VDM_ERR_USAGE, "--created is no time like 2026-11-21T14:05:00Z: %s",
                           given);
    *out = vdm_time_now();
    if (!epoch || !*epoch)
        return true;
    if (!vdm_number_decode(vdm_str(epoch), &seconds) || seconds > UINT64_C(253402300799))
        return vdm_fail_as(err, VDM_ERR_USAGE, "SOURCE_DATE_EPOCH is no number of seconds: %s",
                           epoch);
    out->seconds = (int64_t)seconds;
    return true;
}

static bool has_filter(const struct vdm_args *args)
{
    static const char *const names[] = {"source", "collection", "issuer", "from", "to", NULL};
    for (const char *const *n = names; *n; n++)
        if (vdm_args_has(args, *n))
            return true;
    return false;
}

static bool select_entries(const struct vdm_args *args, struct vdm_bundle_request *r,
                           struct vdm_buf *numbers, struct vdm_cli_filter *filter,
                           struct vdm_err *err)
{
    const char *entries = vdm_args_value(args, "entries");
    int ways = (entries != NULL) + vdm_args_has(args, "all") + has_filter(args);
    if (ways != 1)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           ways ? "--entries, --all and the filters exclude each other"
                                : "say which captures: --entries, --all, --source, --collection, "
                                  "--issuer, --from, --to");
    if (entries) {
        if (!vdm_cli_ranges(entries, numbers, err))
            return false;
        r->entry = (const uint64_t *)(const void *)numbers->p;
        r->entries = numbers->n / sizeof *r->entry;
    }
    if (has_filter(args)) {
        if (!vdm_cli_filter(args, filter, err))
            return false;
        r->filter = &filter->filter;
    }
    return true;
}

static void print_made(const char *output, const struct vdm_bundle_made *m)
{
    vdm_out_str(stdout, output);
    fputs("  ", stdout);
    vdm_out_size(stdout, m->bytes);
    fputs(": ", stdout);
    vdm_out_count(stdout, m->captures, "capture", "captures");
    fputs(", ", stdout);
    vdm_out_count(stdout, m->documents, "document", "documents");
    if (m->withdrawn)
        printf(", %llu withdrawn", (unsigned long long)m->withdrawn);
    if (m->partly)
        printf(", %llu partly disclosed", (unsigned long long)m->partly);
    fputs(", as of ", stdout);
    vdm_out_count(stdout, m->size, "entry", "entries");
    puts(".");
    if (m->doubted)
        printf(
            "In doubt: %llu of the captures, whose signer's key was revoked. Who verifies it gets "
            "a finding for each,\nunless a trusted time shows that it was signed before, or "
            "another signer "
            "vouches for it: vidimus amend N --vouch\n",
            (unsigned long long)m->doubted);
    puts("It proves what it holds; completeness is not proved.\n"
         "Who gets it needs keys/authority.pub from you by another way, and runs:");
    fputs("  vidimus verify ", stdout);
    vdm_out_str(stdout, output);
    printf(" --trust authority.pub%s%s\n", m->sealed ? "" : " --allow-unsealed",
           m->documents < m->captures - m->withdrawn ? " --document FILE" : "");
}

static bool print_json(const char *output, const struct vdm_bundle_made *m, struct vdm_err *err)
{
    return vdm_json_print(
        json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:b,s:I,s:o,s:s}", "file",
                  vdm_json_bytes(vdm_str(output)), "bytes", (json_int_t)m->bytes, "captures",
                  (json_int_t)m->captures, "documents", (json_int_t)m->documents, "withdrawn",
                  (json_int_t)m->withdrawn, "partly_disclosed", (json_int_t)m->partly, "in_doubt",
                  (json_int_t)m->doubted, "sealed", m->sealed, "size", (json_int_t)m->size, "root",
                  vdm_json_root(m->root), "notice", "completeness-not-proved"),
        err);
}

static bool write_bundle(struct vdm_cli *cli, const struct vdm_args *args,
                         struct vdm_bundle_request *r, struct vdm_err *err)
{
    struct vdm_bundle_made made = {0};
    const char *disclose = vdm_args_value(args, "disclose");
    if (disclose && !vdm_cli_fields(disclose, &r->fields, err))
        return vdm_err_prefix(err, "--disclose");
    bool ok = created_time(args, &r->created, err) &&
              vdm_bundle_write(cli->archive, r, cli->signers.signer, &cli->progress, &made, err);
    vdm_progress_end(cli);
    if (ok && cli->json)
        ok = print_json(r->output, &made, err);
    else if (ok)
        print_made(r->output, &made);
    vdm_bundle_made_release(&made);
    return ok;
}

VDM_COMMAND(bundle)
{
    struct vdm_buf numbers VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_cli_filter filter = {0};
    struct vdm_bundle_request r = {.output = vdm_args_value(args, "output"),
                                   .table = vdm_args_value(args, "disclose-table"),
                                   .without_documents = vdm_args_has(args, "without-documents"),
                                   .agent = "vidimus " VDM_VERSION};
    (void)status;
    if (!r.output)
        return vdm_fail_as(err, VDM_ERR_USAGE, "-o FILE is needed: .tar, .tar.gz or .tar.zst");
    bool ok = select_entries(args, &r, &numbers, &filter, err) && write_bundle(cli, args, &r, err);
    vdm_cli_filter_release(&filter);
    return ok;
}
