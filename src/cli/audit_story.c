/* SPDX-License-Identifier: MIT */
/* What the ledger records of all audits, and which of their findings still stand. */
#include "cli/audit.h"

#include <stdlib.h>
#include <string.h>

#define OPEN_MAX 1000 /* told one by one */

void vdm_audit_story_release(struct vdm_audit_story *s)
{
    for (size_t i = 0; i < s->opens; i++)
        free(s->open[i].text);
    free(s->open);
    vdm_audit_history_release(&s->history);
    *s = (struct vdm_audit_story){0};
}

bool vdm_audit_continues(const struct vdm_audit_story *s, size_t i)
{
    const struct vdm_audit_past *p = &s->history.audit[i], *q = p - 1;
    return i > 0 && q->n + 1 == p->n && q->size == p->size && q->has_findings == p->has_findings &&
           q->signer_id == p->signer_id && vdm_digest_equal(q->findings, p->findings);
}

bool vdm_audit_each_line(const struct vdm_audit_story *s, const struct vdm_audit_past *p,
                         vdm_audit_line_fn *tell, void *ctx, bool *lost, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    enum vdm_store_state state;
    struct vdm_findings_file f;
    struct vdm_findings_line line;
    char kind[65];
    *lost = false;
    if (!p->has_findings)
        return true;
    if (!vdm_audit_findings(s->a, p, &text, &state, err))
        return false;
    *lost = state != VDM_STORE_GOOD || !vdm_findings_decode(vdm_buf_bytes(&text), &f, NULL);
    while (!*lost && vdm_findings_next(&f.lines, &line)) {
        memcpy(kind, line.kind.p, line.kind.n);
        kind[line.kind.n] = 0;
        tell(ctx, p, kind, line.entry == VDM_FINDINGS_NO_ENTRY ? VDM_NO_ENTRY : line.entry,
             line.repaired, line.text);
    }
    return true;
}

struct collecting {
    struct vdm_audit_story *s;
    uint64_t newest; /* the first entry of the newest audit */
    uint64_t last;   /* the last entry of the one at hand */
    bool no_memory;
};

/* Documents and records are looked at in turn: what an audit found of one stands until a later audit has
 * covered its entry. The ledger is looked at each time: of it the newest audit says all. */
static bool stands(const struct collecting *k, const struct vdm_audit_past *p, const char *kind,
                   uint64_t entry)
{
    bool in_turn = entry != VDM_NO_ENTRY &&
                   (strncmp(kind, "document-", 9) == 0 || strcmp(kind, "record-missing") == 0 ||
                    strcmp(kind, "record-mismatch") == 0);
    uint64_t seen = in_turn ? vdm_coverage_seen(&k->s->history.coverage, entry) : VDM_NEVER;
    return in_turn ? seen == VDM_NEVER || seen <= k->last : p->n >= k->newest;
}

static void collect(void *ctx, const struct vdm_audit_past *p, const char *kind, uint64_t entry,
                    bool repaired, struct vdm_bytes text)
{
    struct collecting *k = ctx;
    struct vdm_audit_story *s = k->s;
    if (repaired || !p->good || !stands(k, p, kind, entry))
        return;
    if (s->opens == s->opens_cap) {
        size_t cap = s->opens_cap ? s->opens_cap * 2 : 16;
        struct vdm_audit_open *grown = reallocarray(s->open, cap, sizeof *grown);
        if (!grown) {
            k->no_memory = true;
            return;
        }
        s->open = grown;
        s->opens_cap = cap;
    }
    struct vdm_audit_open *o = &s->open[s->opens];
    *o = (struct vdm_audit_open){.audit = p->n, .entry = entry, .text = vdm_bytes_dup(text)};
    memcpy(o->kind, kind, strlen(kind));
    k->no_memory = k->no_memory || !o->text;
    s->opens += o->text != NULL;
}

static bool collect_all(struct vdm_audit_story *s, struct vdm_err *err)
{
    struct collecting k = {.s = s};
    const struct vdm_audit_history *h = &s->history;
    size_t i = h->n;
    bool lost;
    while (i > 0 && vdm_audit_continues(s, i - 1))
        i--;
    k.newest = i > 0 ? h->audit[i - 1].n : 0;
    for (i = 0; i < h->n; i++) {
        s->repaired += h->audit[i].repaired;
        if (vdm_audit_continues(s, i))
            continue;
        size_t end = i;
        while (end + 1 < h->n && vdm_audit_continues(s, end + 1))
            end++;
        k.last = h->audit[end].n;
        if (!vdm_audit_each_line(s, &h->audit[i], collect, &k, &lost, err))
            return false;
        s->lost += lost;
    }
    return !k.no_memory || vdm_fail_memory(err);
}

bool vdm_audit_story_read(struct vdm_archive *a, uint64_t within, struct vdm_audit_story *out,
                          struct vdm_err *err)
{
    out->a = a;
    out->within = within;
    out->now = vdm_time_now();
    struct vdm_time limit = {out->now.seconds - (int64_t)within};
    return vdm_audit_history_read(a, &out->history, err) &&
           vdm_audit_age(a, &out->history, limit, &out->age, err) && collect_all(out, err);
}

bool vdm_audit_story_bad(const struct vdm_audit_story *s)
{
    return s->opens > 0 || s->lost > 0 || s->age.overdue > 0;
}

/* --- as text --- */

static void put_age(const struct vdm_audit_story *s, FILE *to)
{
    const struct vdm_audit_age *g = &s->age;
    char term[VDM_DURATION_TEXT];
    vdm_cli_duration_text(s->within, term);
    fputs("documents     ", to);
    vdm_out_count(to, g->captures, "capture", "captures");
    fputs(", ", to);
    vdm_out_number(to, g->unaudited);
    fputs(" of them not seen by any audit yet\n", to);
    if (!g->has_oldest)
        return;
    fprintf(to, "oldest look   entry %llu, %s ", (unsigned long long)g->oldest,
            g->never ? "not since it was recorded," : "by the audit of");
    vdm_out_time(to, g->seen);
    fputs("\n", to);
    if (g->overdue) {
        fprintf(to, "%-14s", "audit-overdue");
        vdm_out_count(to, g->overdue, "capture was", "captures were");
        fprintf(to, " not looked at in %s\n", term);
    } else if (!vdm_audit_last(&s->history)) {
        fprintf(to, "no audit yet; nothing is older than %s\n", term);
    } else {
        fprintf(to, "all were looked at, or recorded, in the last %s\n", term);
    }
}

static void put_audit(FILE *to, const struct vdm_audit_past *p)
{
    fprintf(to, "%8llu  ", (unsigned long long)p->n);
    vdm_out_time(to, p->recorded);
    fprintf(to, "  %-7s  ", p->full ? "full" : "partial");
    vdm_out_count(to, p->documents, "document", "documents");
    fprintf(to, ", %llu missing, %llu corrupt, %llu repaired  ·  ", (unsigned long long)p->missing,
            (unsigned long long)p->corrupt, (unsigned long long)p->repaired);
    vdm_out_str(to, p->signer);
    fprintf(to, "%s\n            entries %.60s%s\n", p->good ? "" : "  NOT VALID, not counted",
            p->covered, strlen(p->covered) > 60 ? "..." : "");
}

static void print_line(void *ctx, const struct vdm_audit_past *p, const char *kind, uint64_t entry,
                       bool repaired, struct vdm_bytes text)
{
    FILE *to = ctx;
    (void)p;
    fprintf(to, "            %s", kind);
    if (entry != VDM_NO_ENTRY)
        fprintf(to, "  entry %llu", (unsigned long long)entry);
    fputs(repaired ? "  repaired  " : "  ", to);
    vdm_out_value(to, text);
    fputs("\n", to);
}

bool vdm_audit_as_text(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    bool lost;
    fprintf(to, "ledger        %s, %llu entries\n", s->history.origin,
            (unsigned long long)s->history.size);
    for (size_t i = 0; i < s->history.n; i++) {
        put_audit(to, &s->history.audit[i]);
        if (i + 1 < s->history.n && vdm_audit_continues(s, i + 1))
            continue;
        if (!vdm_audit_each_line(s, &s->history.audit[i], print_line, to, &lost, err))
            return false;
        if (lost)
            fputs("            its findings are not in the store any more\n", to);
    }
    if (s->history.n == 0)
        fputs("audits        none\n", to);
    put_age(s, to);
    fprintf(to, "findings that stand: %zu\n", s->opens);
    for (size_t i = 0; i < s->opens && i < OPEN_MAX; i++) {
        const struct vdm_audit_open *o = &s->open[i];
        struct vdm_audit_past none = {0};
        print_line(to, &none, o->kind, o->entry, false, vdm_str(o->text));
    }
    return true;
}
