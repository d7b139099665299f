/* SPDX-License-Identifier: MIT */
/* For programs: JSON, CSV, Prometheus' text format, Nagios. */
#include "base/text.h"
#include "cli/audit.h"

#include <stdlib.h>
#include <string.h>

/* --- JSON --- */

static void add_line(void *ctx, const struct vdm_audit_past *p, const char *kind, uint64_t entry,
                     bool repaired, struct vdm_bytes text)
{
    json_t **list = ctx;
    (void)p;
    vdm_json_add(list,
                 json_pack("{s:s,s:o,s:b,s:o}", "kind", kind, "entry",
                           entry == VDM_NO_ENTRY ? json_null() : json_integer((json_int_t)entry),
                           "repaired", repaired, "message", vdm_json_value(text)));
}

static json_t *audit_json(const struct vdm_audit_past *p)
{
    return json_pack("{s:I,s:o,s:b,s:s,s:s,s:I,s:o,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:o}", "entry",
                     (json_int_t)p->n, "recorded", vdm_json_time(p->recorded), "valid", p->good,
                     "auditor", p->signer, "mode", p->full ? "full" : "partial", "size",
                     (json_int_t)p->size, "root", vdm_json_root(p->root), "covered", p->covered,
                     "entries", (json_int_t)p->entries, "documents", (json_int_t)p->documents,
                     "missing", (json_int_t)p->missing, "corrupt", (json_int_t)p->corrupt,
                     "repaired", (json_int_t)p->repaired, "current", (json_int_t)p->current,
                     "findings_file", p->has_findings ? vdm_json_digest(p->findings) : json_null());
}

static json_t *story_json(const struct vdm_audit_story *s)
{
    const struct vdm_audit_age *g = &s->age;
    json_t *open = json_array();
    for (size_t i = 0; i < s->opens; i++)
        add_line(&open, NULL, s->open[i].kind, s->open[i].entry, false, vdm_str(s->open[i].text));
    if (g->overdue)
        add_line(&open, NULL, vdm_kind_word(VDM_AUDIT_OVERDUE), g->oldest, false,
                 VDM_LIT("not looked at for longer than was asked for"));
    json_t *o =
        json_pack("{s:s,s:I,s:o,s:I,s:I,s:I,s:I,s:o,s:o,s:b,s:o}", "origin", s->history.origin,
                  "size", (json_int_t)s->history.size, "time", vdm_json_time(s->now),
                  "within_seconds", (json_int_t)s->within, "captures", (json_int_t)g->captures,
                  "never_audited", (json_int_t)g->unaudited, "overdue", (json_int_t)g->overdue,
                  "oldest_entry", g->has_oldest ? json_integer((json_int_t)g->oldest) : json_null(),
                  "oldest_seen", g->has_oldest ? vdm_json_time(g->seen) : json_null(), "ok",
                  !vdm_audit_story_bad(s), "findings", open);
    return o;
}

bool vdm_audit_as_json(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    json_t *o = story_json(s), *audits = json_array();
    for (size_t i = 0; i < s->history.n; i++) {
        json_t *a = audit_json(&s->history.audit[i]), *lines = json_array();
        bool lost;
        if (!vdm_audit_each_line(s, &s->history.audit[i], add_line, &lines, &lost, err)) {
            json_decref(o);
            json_decref(audits);
            json_decref(a);
            json_decref(lines);
            return false;
        }
        vdm_json_set(&a, "findings", lines);
        vdm_json_set(&a, "findings_lost", json_boolean(lost));
        vdm_json_add(&audits, a);
    }
    vdm_json_set(&o, "audits", audits);
    return vdm_json_write(to, o, err);
}

/* --- CSV (RFC 4180): a line for each finding, and one for an audit without --- */

struct csv {
    FILE *to;
    uint64_t lines;
};

static void put_row(struct csv *c, const struct vdm_audit_past *p, const char *kind, uint64_t entry,
                    const char *state, struct vdm_bytes text)
{
    char time[VDM_TIME_LEN + 1];
    vdm_time_encode(p->recorded, time);
    fprintf(c->to, "%llu,%s,", (unsigned long long)p->n, time);
    vdm_out_csv(c->to, vdm_str(p->signer));
    fprintf(c->to, ",%s,%s,%llu,", p->good ? "valid" : "invalid", p->full ? "full" : "partial",
            (unsigned long long)p->size);
    vdm_out_csv(c->to, vdm_str(p->covered));
    fprintf(c->to, ",%llu,%llu,%llu,%llu,%s,", (unsigned long long)p->documents,
            (unsigned long long)p->missing, (unsigned long long)p->corrupt,
            (unsigned long long)p->repaired, kind);
    if (entry != VDM_NO_ENTRY)
        fprintf(c->to, "%llu", (unsigned long long)entry);
    fprintf(c->to, ",%s,", state);
    vdm_out_csv(c->to, text);
    fputs("\r\n", c->to);
    c->lines++;
}

static void csv_line(void *ctx, const struct vdm_audit_past *p, const char *kind, uint64_t entry,
                     bool repaired, struct vdm_bytes text)
{
    put_row(ctx, p, kind, entry, repaired ? "repaired" : "open", text);
}

bool vdm_audit_as_csv(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    fputs("audit,recorded,auditor,signature,mode,ledger_entries,covered,documents,missing,corrupt,"
          "repaired,finding,entry,state,message\r\n",
          to);
    for (size_t i = 0; i < s->history.n; i++) {
        const struct vdm_audit_past *p = &s->history.audit[i];
        struct csv c = {to, 0};
        bool lost;
        if (!vdm_audit_each_line(s, p, csv_line, &c, &lost, err))
            return false;
        if (c.lines == 0)
            put_row(&c, p, "", VDM_NO_ENTRY, lost ? "lost" : "", (struct vdm_bytes){0});
    }
    return true;
}

/* --- Prometheus --- */

static void metric(const struct vdm_audit_story *s, FILE *to, const char *name, const char *type,
                   const char *help, uint64_t value)
{
    fprintf(to, "# HELP vidimus_%s %s\n# TYPE vidimus_%s %s\nvidimus_%s{ledger=\"%s\"} %llu\n",
            name, help, name, type, name, s->history.origin, (unsigned long long)value);
}

static void open_by_kind(const struct vdm_audit_story *s, FILE *to)
{
    fputs("# HELP vidimus_findings Findings of audits that still stand, by kind.\n"
          "# TYPE vidimus_findings gauge\n",
          to);
    for (int kind = 0; kind < VDM_FINDING_KINDS; kind++) {
        uint64_t n = 0;
        const char *word = vdm_kind_word((enum vdm_finding_kind)kind);
        for (size_t i = 0; i < s->opens; i++)
            n += strcmp(s->open[i].kind, word) == 0;
        if (kind == VDM_AUDIT_OVERDUE)
            n += s->age.overdue > 0;
        fprintf(to, "vidimus_findings{ledger=\"%s\",kind=\"%s\"} %llu\n", s->history.origin, word,
                (unsigned long long)n);
    }
}

bool vdm_audit_as_prometheus(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    const struct vdm_audit_past *last = vdm_audit_last(&s->history);
    const struct vdm_audit_age *g = &s->age;
    (void)err;
    metric(s, to, "ledger_entries", "gauge", "Entries of the ledger.", s->history.size);
    metric(s, to, "captures", "gauge", "Captures in the ledger.", g->captures);
    metric(s, to, "captures_never_audited", "gauge", "Captures that no audit has seen yet.",
           g->unaudited);
    metric(s, to, "captures_overdue", "gauge", "Captures that were not looked at in time.",
           g->overdue);
    metric(s, to, "audit_promise_seconds", "gauge", "How old a look at a document may be.",
           s->within);
    metric(s, to, "audits_total", "counter", "Audit entries in the ledger.", s->history.n);
    metric(s, to, "repaired_total", "counter", "Documents that audits repaired.", s->repaired);
    if (g->has_oldest)
        metric(s, to, "oldest_look_timestamp_seconds", "gauge",
               "When the document was looked at that was looked at longest ago.",
               (uint64_t)g->seen.seconds);
    if (last) {
        metric(s, to, "last_audit_timestamp_seconds", "gauge", "When the last audit was recorded.",
               (uint64_t)last->recorded.seconds);
        metric(s, to, "last_audit_documents", "gauge", "Documents that it looked at.",
               last->documents);
        metric(s, to, "last_audit_missing", "gauge", "Documents that it missed.", last->missing);
        metric(s, to, "last_audit_corrupt", "gauge", "Documents that it found bad.", last->corrupt);
    }
    open_by_kind(s, to);
    return true;
}

/* --- Nagios --- */

int vdm_audit_nagios_status(const struct vdm_audit_story *s)
{
    if (s->opens || s->lost)
        return 2;
    return s->age.overdue ? 1 : 0;
}

/* `|` begins the figures; a line end begins the next line. */
static void put_plain(FILE *to, const char *text)
{
    for (; *text; text++)
        fputc(*text == '|' ? '/' : *text, to);
}

/* No audit is no good news: it is said why nothing is overdue all the same. */
static void nagios_last(const struct vdm_audit_story *s, const char *term, FILE *to)
{
    const struct vdm_audit_past *last = vdm_audit_last(&s->history);
    char time[VDM_TIME_LEN + 1];
    if (last) {
        vdm_time_encode(last->recorded, time);
        fprintf(to, "last audit %s", time);
    } else {
        fputs("no audit yet", to);
        if (!vdm_audit_story_bad(s))
            fprintf(to, "; nothing is older than %s", term);
    }
}

static void nagios_words(const struct vdm_audit_story *s, FILE *to)
{
    char term[VDM_DURATION_TEXT];
    vdm_cli_duration_text(s->within, term);
    if (s->opens)
        fprintf(to, "%zu %s, first %s; ", s->opens,
                s->opens == 1 ? "finding stands" : "findings stand", s->open[0].kind);
    if (s->lost)
        fprintf(to, "findings of %llu %s are lost; ", (unsigned long long)s->lost,
                s->lost == 1 ? "audit" : "audits");
    if (s->age.overdue)
        fprintf(to, "audit-overdue: %llu %s not looked at in %s; ",
                (unsigned long long)s->age.overdue, s->age.overdue == 1 ? "capture" : "captures",
                term);
    nagios_last(s, term, to);
}

bool vdm_audit_as_nagios(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL"};
    const struct vdm_audit_age *g = &s->age;
    (void)err;
    fprintf(to, "VIDIMUS %s - ", words[vdm_audit_nagios_status(s)]);
    nagios_words(s, to);
    fprintf(to, " | findings=%zu;;0;0 overdue=%llu;0;;0;%llu never=%llu;;;0;%llu", s->opens,
            (unsigned long long)g->overdue, (unsigned long long)g->captures,
            (unsigned long long)g->unaudited, (unsigned long long)g->captures);
    if (g->has_oldest)
        fprintf(
            to, " oldest=%llds;%llu;;0",
            (long long)(s->now.seconds > g->seen.seconds ? s->now.seconds - g->seen.seconds : 0),
            (unsigned long long)s->within);
    fputc('\n', to);
    for (size_t i = 0; i < s->opens && i < 20; i++) {
        fprintf(to, "%s", s->open[i].kind);
        if (s->open[i].entry != VDM_NO_ENTRY)
            fprintf(to, " entry %llu", (unsigned long long)s->open[i].entry);
        fputs(": ", to);
        put_plain(to, s->open[i].text);
        fputc('\n', to);
    }
    return true;
}
