/* SPDX-License-Identifier: MIT */
/* One page for a person: how things stand, a picture of what was covered when, every audit. No script, and
 * nothing from elsewhere. */
#include "cli/audit.h"

#include <stdlib.h>
#include <string.h>

#define WIDTH    760
#define MARGIN   150 /* left of the picture: times */
#define ROW      14
#define ROWS_MAX 60
#define BARS_MAX 400 /* of one audit */

static void put_html(FILE *to, const char *s)
{
    for (; *s; s++) {
        const char *as = *s == '&'   ? "&amp;"
                         : *s == '<' ? "&lt;"
                         : *s == '>' ? "&gt;"
                         : *s == '"' ? "&quot;"
                                     : NULL;
        if (as)
            fputs(as, to);
        else
            fputc(*s, to);
    }
}

/* A value, escaped already, with whatever turns or hides text made visible. */
static void put_value(FILE *to, struct vdm_bytes value)
{
    char *text VDM_CLEANUP(vdm_free_string) = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&text, &n);
    if (!memory)
        return;
    vdm_out_value(memory, value);
    if (fclose(memory) == 0)
        put_html(to, text);
}

static void put_time(FILE *to, struct vdm_time t)
{
    char text[VDM_TIME_LEN + 1];
    vdm_time_encode(t, text);
    fputs(text, to);
}

/* --- pictures --- */

static double place(const struct vdm_audit_story *s, uint64_t n)
{
    return s->history.size ? (double)n * WIDTH / (double)s->history.size : 0;
}

static void put_bar(FILE *to, double x, double y, double w, double h, const char *class)
{
    fprintf(to, "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>\n",
            class, MARGIN + x, y, w < 0.5 ? 0.5 : w, h);
}

static const char *class_of(const struct vdm_audit_past *p)
{
    return !p->good ? "void" : p->has_findings ? "bad" : "good";
}

static void put_row(const struct vdm_audit_story *s, FILE *to, const struct vdm_audit_past *p,
                    int row)
{
    struct vdm_bytes rest = vdm_str(p->covered);
    uint64_t from, end;
    fprintf(to, "<text x=\"%d\" y=\"%d\">", MARGIN - 8, row * ROW + 11);
    put_time(to, p->recorded);
    fputs("</text>\n", to);
    put_bar(to, 0, row * ROW + 2, place(s, p->size), ROW - 4, "ledger");
    for (int bars = 0; bars < BARS_MAX && vdm_ranges_next(&rest, &from, &end); bars++)
        put_bar(to, place(s, from), row * ROW + 2, place(s, end) - place(s, from), ROW - 4,
                class_of(p));
}

/* Time runs down, the entries of the ledger from left to right. */
static void put_history(const struct vdm_audit_story *s, FILE *to)
{
    size_t n = s->history.n, first = n > ROWS_MAX ? n - ROWS_MAX : 0;
    int rows = (int)(n - first);
    fprintf(to,
            "<h2>What was covered when</h2>\n<p>Each line is an audit, the newest below; from left "
            "to right are the entries of the ledger, 0 to %llu.%s</p>\n",
            (unsigned long long)s->history.size,
            first ? " Older audits are in the table below." : "");
    fprintf(to,
            "<svg role=\"img\" aria-label=\"Coverage over time\" viewBox=\"0 0 %d %d\" "
            "width=\"100%%\">\n",
            MARGIN + WIDTH + 4, rows * ROW + 8);
    for (int i = 0; i < rows; i++)
        put_row(s, to, &s->history.audit[first + (size_t)i], i);
    fputs("</svg>\n", to);
}

static struct vdm_time seen_at(const struct vdm_audit_story *s, uint64_t seen)
{
    for (size_t i = s->history.n; i-- > 0;)
        if (s->history.audit[i].n == seen)
            return s->history.audit[i].recorded;
    return (struct vdm_time){0};
}

/* How long ago each part of the ledger was looked at: the darker, the longer. */
static void put_now(const struct vdm_audit_story *s, FILE *to)
{
    fprintf(
        to,
        "<h2>How it stands now</h2>\n<p>The entries of the ledger; the darker, the longer ago "
        "they were looked at. Striped: not by any audit yet.</p>\n"
        "<svg role=\"img\" aria-label=\"Age of the last look\" viewBox=\"0 0 %d 34\" "
        "width=\"100%%\">\n<defs><pattern id=\"none\" width=\"6\" height=\"6\" "
        "patternUnits=\"userSpaceOnUse\"><path d=\"M0 6L6 0\" stroke=\"#999\"/></pattern></defs>\n",
        MARGIN + WIDTH + 4);
    for (size_t i = 0; i < s->history.coverage.n; i++) {
        const struct vdm_span *span = &s->history.coverage.span[i];
        double age =
            span->seen == VDM_NEVER
                ? 0
                : (double)(s->now.seconds - seen_at(s, span->seen).seconds) / (double)s->within;
        int step = age < 0 ? 0 : age >= 1 ? 5 : (int)(age * 5);
        char class[8];
        snprintf(class, sizeof class, span->seen == VDM_NEVER ? "never" : "a%d", step);
        put_bar(to, place(s, span->from), 4, place(s, span->to) - place(s, span->from), 24, class);
    }
    fprintf(to, "<text x=\"%d\" y=\"20\">now</text>\n</svg>\n", MARGIN - 8);
}

/* --- words --- */

static void put_state(const struct vdm_audit_story *s, FILE *to)
{
    const struct vdm_audit_age *g = &s->age;
    bool bad = vdm_audit_story_bad(s);
    char term[VDM_DURATION_TEXT];
    fprintf(to, "<p class=\"%s\">%s</p>\n<table>\n<tr><th>ledger</th><td>",
            bad ? "verdict-bad" : "verdict-good", bad ? "NEEDS ATTENTION" : "NO FINDINGS");
    put_html(to, s->history.origin);
    fprintf(to,
            ", %llu entries</td></tr>\n<tr><th>captures</th><td>%llu, %llu of them not seen by "
            "any audit yet</td></tr>\n",
            (unsigned long long)s->history.size, (unsigned long long)g->captures,
            (unsigned long long)g->unaudited);
    if (g->has_oldest) {
        fprintf(to, "<tr><th>oldest look</th><td>entry %llu, %s", (unsigned long long)g->oldest,
                g->never ? "recorded and not seen since " : "by the audit of ");
        put_time(to, g->seen);
        fputs("</td></tr>\n", to);
    }
    fprintf(to, "<tr><th>overdue</th><td>%llu (not looked at in %s)</td></tr>\n</table>\n",
            (unsigned long long)g->overdue, vdm_cli_duration_text(s->within, term));
}

static void put_open(const struct vdm_audit_story *s, FILE *to)
{
    if (s->opens == 0 && s->lost == 0)
        return;
    fputs("<h2>Findings that stand</h2>\n<ul>\n", to);
    for (size_t i = 0; i < s->opens; i++) {
        const struct vdm_audit_open *o = &s->open[i];
        fprintf(to, "<li><strong>%s</strong> ", o->kind);
        if (o->entry != VDM_NO_ENTRY)
            fprintf(to, "entry %llu: ", (unsigned long long)o->entry);
        put_value(to, vdm_str(o->text));
        fputs("</li>\n", to);
    }
    if (s->lost)
        fprintf(to, "<li>The findings of %llu audits are not in the store any more.</li>\n",
                (unsigned long long)s->lost);
    fputs("</ul>\n", to);
}

static void put_line(void *ctx, const struct vdm_audit_past *p, const char *kind, uint64_t entry,
                     bool repaired, struct vdm_bytes text)
{
    FILE *to = ctx;
    (void)p;
    fprintf(to, "<br><strong>%s</strong> ", kind);
    if (entry != VDM_NO_ENTRY)
        fprintf(to, "entry %llu ", (unsigned long long)entry);
    fputs(repaired ? "(repaired) " : "", to);
    put_value(to, text);
}

static bool put_table(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    fputs(
        "<h2>All audits</h2>\n<table class=\"all\">\n<tr><th>entry</th><th>recorded</th><th>auditor"
        "</th><th>documents</th><th>missing</th><th>corrupt</th><th>repaired</th><th>covered"
        "</th></tr>\n",
        to);
    for (size_t i = s->history.n; i-- > 0;) {
        const struct vdm_audit_past *p = &s->history.audit[i];
        bool lost = false;
        fprintf(to, "<tr><td>%llu</td><td>", (unsigned long long)p->n);
        put_time(to, p->recorded);
        fputs("</td><td>", to);
        put_html(to, p->signer);
        fprintf(to, "%s</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%.200s%s",
                p->good ? "" : " (not valid, not counted)", (unsigned long long)p->documents,
                (unsigned long long)p->missing, (unsigned long long)p->corrupt,
                (unsigned long long)p->repaired, p->covered, strlen(p->covered) > 200 ? "..." : "");
        if (!vdm_audit_continues(s, i) && !vdm_audit_each_line(s, p, put_line, to, &lost, err))
            return false;
        fputs(lost ? "<br>its findings are lost" : "", to);
        fputs("</td></tr>\n", to);
    }
    fputs("</table>\n", to);
    return true;
}

bool vdm_audit_as_html(const struct vdm_audit_story *s, FILE *to, struct vdm_err *err)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'\">\n<title>vidimus: audits</title>\n<style>\n"
          "body{font:16px/1.5 sans-serif;max-width:58em;margin:2em auto;padding:0 1em}\n"
          "th{text-align:left;vertical-align:top;padding-right:1em}\n"
          "td{overflow-wrap:anywhere;vertical-align:top;padding-right:1em}\n"
          ".all{font-size:.85em;font-variant-numeric:tabular-nums}\n"
          ".verdict-good,.verdict-bad{font-size:1.5em;font-weight:bold}\n"
          ".verdict-good{color:#060}.verdict-bad{color:#a00}\n"
          "svg text{font:10px sans-serif;text-anchor:end;fill:#333}\n"
          ".ledger{fill:#eee}.good{fill:#2a7d46}.bad{fill:#c0392b}.void{fill:#999}\n"
          ".never{fill:url(#none);stroke:#999;stroke-width:.5}.a0{fill:#cfe8d5}.a1{fill:#a3cdb0}\n"
          ".a2{fill:#77ad88}.a3{fill:#578a66}.a4{fill:#3b6549}.a5{fill:#7a1f17}\n"
          "</style>\n</head>\n<body>\n<h1>Audits of ",
          to);
    put_html(to, s->history.origin);
    fputs("</h1>\n", to);
    put_state(s, to);
    put_open(s, to);
    put_now(s, to);
    put_history(s, to);
    if (!put_table(s, to, err))
        return false;
    fputs("<p><small>From the audit entries of the ledger, ", to);
    put_time(to, s->now);
    fputs(". An audit shows that documents were read and had the SHA-256 that was recorded; times "
          "are "
          "the archive's own. Made by vidimus " VDM_VERSION ".</small></p>\n</body>\n</html>\n",
          to);
    return true;
}
