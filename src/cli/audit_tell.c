/* SPDX-License-Identifier: MIT */
/* One audit that has just ended. */
#include "cli/audit.h"

static const char *const why_ended[] = {
    [VDM_AUDIT_END_ALL] = "",
    [VDM_AUDIT_END_TIME] = "; its time was up",
    [VDM_AUDIT_END_BYTES] = "; its bytes were up",
    [VDM_AUDIT_END_SIGNAL] = "; stopped by a signal",
};

static void print_head(struct vdm_cli *cli, const struct vdm_audit_done *d)
{
    uint64_t findings = vdm_report_findings(&d->report);
    vdm_out_coloured(stdout, cli->colours, findings ? VDM_BAD : VDM_GOOD,
                     findings ? "FINDINGS" : "NO FINDINGS");
    fputs("  ", stdout);
    if (findings) {
        vdm_out_count(stdout, findings, "finding", "findings");
        if (d->repaired)
            printf(", %llu repaired,", (unsigned long long)d->repaired);
        fputs(" in ", stdout);
    }
    vdm_out_str(stdout, cli->path);
    puts("");
}

static void print_extent(const struct vdm_audit_done *d)
{
    int64_t seconds = d->ended.seconds - d->begun.seconds;
    fputs("  looked at     ", stdout);
    vdm_out_count(stdout, d->entries, "entry", "entries");
    fputs(" of ", stdout);
    vdm_out_number(stdout, d->size);
    fputs(", ", stdout);
    vdm_out_count(stdout, d->documents, "document", "documents");
    fputs(", ", stdout);
    vdm_out_size(stdout, d->bytes);
    printf(" in %lld s%s\n", (long long)seconds, why_ended[d->end]);
    if (d->withdrawn || d->busy) {
        printf("  besides       %llu withdrawn, which is as it should be; ",
               (unsigned long long)d->withdrawn);
        printf("%llu being written to, left for the next audit\n", (unsigned long long)d->busy);
    }
    fputs("  the ledger    whole", stdout);
    if (d->size > d->since) {
        fputs(", with the signatures of ", stdout);
        vdm_out_count(stdout, d->size - d->since, "entry", "entries");
        fputs(d->since ? " since the last audit" : "", stdout);
    }
    puts("");
}

void vdm_audit_print(struct vdm_cli *cli, const struct vdm_audit_done *d)
{
    if (cli->quiet && vdm_report_findings(&d->report) == 0)
        return;
    print_head(cli, d);
    vdm_findings_print(&d->report.findings);
    if (d->entries)
        print_extent(d);
    if (d->last_entry) {
        fputs(d->first_entry == d->last_entry ? "  recorded      by entry "
                                              : "  recorded      by entries ",
              stdout);
        vdm_out_number(stdout, d->first_entry);
        if (d->first_entry != d->last_entry) {
            fputs(" to ", stdout);
            vdm_out_number(stdout, d->last_entry);
        }
        puts("");
    } else {
        puts("  recorded      nothing");
    }
    if (!cli->quiet)
        vdm_findings_print(&d->report.notices);
}

static json_t *ranges_json(const struct vdm_audit_done *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->pieces; i++)
        vdm_json_add(&list, json_pack("[I,I]", (json_int_t)d->piece[i].from,
                                      (json_int_t)(d->piece[i].to - 1)));
    return list;
}

json_t *vdm_audit_json(const struct vdm_audit_done *d, const char *name)
{
    const struct vdm_report *r = &d->report;
    json_t *o = json_pack(
        "{s:o,s:s,s:b,s:s,s:s,s:I,s:o,s:o,s:I,s:I,s:I,s:b,s:I,s:o,s:o}", "name",
        vdm_json_bytes(vdm_str(name)), "verdict", vdm_audit_verdict(r), "ok",
        vdm_report_findings(r) == 0, "kind", "audit", "origin", r->origin, "size",
        (json_int_t)d->size, "root", vdm_json_root(d->root), "time", vdm_json_time(d->ended),
        "entries_checked", (json_int_t)d->entries, "documents_checked", (json_int_t)d->documents,
        "bytes_checked", (json_int_t)d->bytes, "trusted", 0, "findings_total",
        (json_int_t)vdm_report_findings(r), "findings", vdm_findings_json(&r->findings), "notices",
        vdm_findings_json(&r->notices));
    vdm_json_set(&o, "begun", vdm_json_time(d->begun));
    vdm_json_set(&o, "ended_by", json_string(vdm_audit_end_word(d->end)));
    vdm_json_set(&o, "covered", ranges_json(d));
    vdm_json_set(&o, "verified_since", json_integer((json_int_t)d->since));
    vdm_json_set(&o, "withdrawn", json_integer((json_int_t)d->withdrawn));
    vdm_json_set(&o, "busy", json_integer((json_int_t)d->busy));
    vdm_json_set(&o, "missing", json_integer((json_int_t)d->missing));
    vdm_json_set(&o, "corrupt", json_integer((json_int_t)d->corrupt));
    vdm_json_set(&o, "repaired", json_integer((json_int_t)d->repaired));
    vdm_json_set(&o, "first_entry",
                 d->last_entry ? json_integer((json_int_t)d->first_entry) : json_null());
    vdm_json_set(&o, "last_entry",
                 d->last_entry ? json_integer((json_int_t)d->last_entry) : json_null());
    vdm_json_set(&o, "checkpoint",
                 d->checkpoint.n ? vdm_json_value(vdm_buf_bytes(&d->checkpoint)) : json_null());
    return o;
}
