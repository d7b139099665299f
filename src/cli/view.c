/* SPDX-License-Identifier: MIT */
#include "cli/view.h"

#include "base/text.h"
#include "cli/dates.h"

#include <string.h>

static struct vdm_bytes value(const struct vdm_record *r, enum vdm_field f)
{
    return vdm_record_value(r, f, 0);
}

static void label(const char *name)
{
    printf("  %-18s ", name);
}

static void print_document(const struct vdm_record *r)
{
    struct vdm_bytes type = value(r, VDM_FIELD_MEDIA_TYPE);
    char hex[65];
    label("document");
    if (type.n) {
        vdm_out_value(stdout, type);
        fputs(", ", stdout);
    }
    vdm_out_number(stdout, r->document_size);
    vdm_digest_hex(r->document, hex);
    printf(" bytes, sha256 %s\n", hex);
}

static void print_record(const struct vdm_record *r)
{
    struct vdm_bytes rest = r->body;
    struct vdm_record_line l;
    print_document(r);
    while (vdm_record_next(&rest, &l)) {
        if (l.field == VDM_FIELD_DOCUMENT || l.field == VDM_FIELD_MEDIA_TYPE)
            continue;
        label(vdm_field_name(l.field));
        vdm_out_value(stdout, l.value);
        puts("");
    }
}

/* What the date lines say together. Behind them, so that both stand as they are. */
static bool print_dates(const struct vdm_view *v, struct vdm_err *err)
{
    struct vdm_dates d;
    bool any = false;
    if (v->has_record && !vdm_record_dates(&v->record, &d, &any, err))
        return false;
    if (any)
        vdm_dates_print(&d, label);
    return true;
}

/* The other captures of the same source, in order. */
static bool print_history(struct vdm_cli *cli, const struct vdm_view *v, struct vdm_err *err)
{
    struct vdm_bytes source =
        v->has_record ? value(&v->record, VDM_FIELD_SOURCE) : (struct vdm_bytes){0};
    uint64_t n[20];
    size_t count = 0;
    struct vdm_catalog_filter filter = {.source = source};
    if (!source.n || !cli->archive->catalog)
        return true;
    if (!vdm_catalog_list(cli->archive->catalog, &filter, UINT64_MAX, n, 20, &count, err))
        return false;
    if (count < 2)
        return true;
    label("same source");
    fputs("captures", stdout);
    for (size_t i = 0; i < count; i++)
        printf("%s %llu", i ? "," : "", (unsigned long long)n[i]);
    puts(count == 20 ? ", ..." : "");
    return true;
}

static void print_kind(const struct vdm_entry *e)
{
    switch (e->kind) {
    case VDM_ENTRY_GENESIS:
        label("authority");
        puts(e->genesis.authority.name);
        label("software");
        vdm_out_value(stdout, e->genesis.software);
        puts("");
        return;
    case VDM_ENTRY_KEY:
        label("key");
        printf("%s %s as %s\n", vdm_action_name(e->key.action), e->key.key.name,
               vdm_role_name(e->key.role));
        return;
    case VDM_ENTRY_AMENDMENT:
        label("amends");
        printf("%llu\n", (unsigned long long)e->capture.amends);
        return;
    case VDM_ENTRY_WITHDRAWAL:
        label("withdraws");
        printf("%llu (%s), decided by ", (unsigned long long)e->withdrawal.of,
               vdm_scope_name(e->withdrawal.scope));
        vdm_out_value(stdout, e->withdrawal.decided_by);
        puts("");
        return;
    case VDM_ENTRY_CAPTURE:
    case VDM_ENTRY_AUDIT:
    case VDM_ENTRY_UNKNOWN:
        return;
    }
}

#define MISMATCH                                                                                   \
    "record-mismatch: what is stored is not what was signed; `vidimus verify` says more"

bool vdm_view_print(struct vdm_cli *cli, const struct vdm_view *v, struct vdm_err *err)
{
    printf("entry %llu   %s   recorded ", (unsigned long long)v->n,
           vdm_entry_kind_name(v->entry.kind));
    vdm_out_time(stdout, v->entry.recorded);
    printf(" by %.*s\n", (int)v->entry.signer.n, (const char *)v->entry.signer.p);
    print_kind(&v->entry);
    if (v->fate.amended != UINT64_MAX) {
        label("amended");
        printf("by entry %llu%s\n", (unsigned long long)v->fate.amended,
               v->has_record ? ", whose record is shown" : "");
    }
    if (v->fate.withdrawn != UINT64_MAX) {
        label("withdrawn");
        printf("by entry %llu, ", (unsigned long long)v->fate.withdrawn);
        vdm_out_time(stdout, v->withdrawal.recorded);
        printf(" (%s), decided by ", vdm_scope_name(v->withdrawal.withdrawal.scope));
        vdm_out_value(stdout, v->withdrawal.withdrawal.decided_by);
        if (v->withdrawal.withdrawal.reason.n) {
            fputs(": ", stdout);
            vdm_out_value(stdout, v->withdrawal.withdrawal.reason);
        }
        puts("");
    }
    if (v->has_record)
        print_record(&v->record);
    if (v->record_mismatch) {
        label("record");
        puts(MISMATCH);
    }
    return print_dates(v, err) && print_history(cli, v, err) && vdm_amendments_print(cli, v, err);
}

void vdm_view_print_line(const struct vdm_view *v)
{
    printf("%8llu  ", (unsigned long long)v->n);
    vdm_out_time(stdout, v->entry.recorded);
    fputs("  ", stdout);
    if (!v->has_record) {
        if (!v->has_withdrawal) {
            puts(v->record_mismatch ? "(" MISMATCH ")" : "(no record)");
            return;
        }
        fputs("(withdrawn, decided by ", stdout);
        vdm_out_value(stdout, v->withdrawal.withdrawal.decided_by);
        puts(")");
        return;
    }
    struct vdm_bytes title = value(&v->record, VDM_FIELD_TITLE);
    struct vdm_bytes name = title.n ? title : value(&v->record, VDM_FIELD_FILE_NAME);
    struct vdm_bytes source = value(&v->record, VDM_FIELD_SOURCE);
    if (name.n)
        vdm_out_value(stdout, name);
    else
        vdm_out_digest(stdout, v->record.document);
    if (source.n) {
        fputs("  ·  ", stdout);
        vdm_out_value(stdout, source);
    }
    puts("");
}

json_t *vdm_view_json(const struct vdm_view *v)
{
    json_t *o = json_pack(
        "{s:I,s:s,s:o,s:o}", "entry", (json_int_t)v->n, "kind", vdm_entry_kind_name(v->entry.kind),
        "recorded", vdm_json_time(v->entry.recorded), "signer", vdm_json_value(v->entry.signer));
    if (o && v->has_withdrawal)
        vdm_json_set(&o, "decided_by", vdm_json_value(v->withdrawal.withdrawal.decided_by));
    if (o && v->record_mismatch)
        vdm_json_set(&o, "record_mismatch", json_true());
    if (!o || !v->has_record)
        return o;
    vdm_json_set(&o, "document", vdm_json_digest(v->record.document));
    vdm_json_set(&o, "size", json_integer((json_int_t)v->record.document_size));
    vdm_json_set(&o, "record", vdm_json_record(&v->record));
    return o;
}

bool vdm_cli_warn_behind(const struct vdm_cli *cli, struct vdm_err *err)
{
    uint64_t behind;
    if (!vdm_query_catalog(cli->archive, &behind, err))
        return false;
    if (behind)
        vdm_cli_say(
            cli,
            "vidimus: the catalog lacks the newest %llu entries; `vidimus reindex` adds them\n",
            (unsigned long long)behind);
    return true;
}
