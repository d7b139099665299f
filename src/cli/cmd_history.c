/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/texts.h"
#include "cli/view.h"

static const struct vdm_opt history_options[] = {
    {"diff", 0, NULL, "show what changed in the text from one capture to another"},
    {"no-text", 0, NULL, "compare bytes alone"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_history = {
    .usage = "SOURCE | --diff A B",
    .summary = "captures of one source in order, and what changed in its text",
    .paragraphs =
        {
            "SOURCE is written exactly as the records have it. Each line says whether the bytes "
            "are "
            "those of the capture before it, and if not, whether the text is: what a reader of "
            "an HTML page or a plain text sees. Words that went stand in `[- -]`, words that came "
            "in "
            "`{+ +}`, each with some words around it.",
            "Captures stand in the order of the times they state (`captured`), whenever they were "
            "imported. Where these do not tell, since one is only a year or a day, the order is "
            "that of the entries; a time without a zone is taken as UTC. A capture that states no "
            "time stands at that when it was recorded.",
            "Pages carry words that are other ones at each visit: a captcha, a counter, a clock. "
            "Words that were seen in one capture only, at a place where three captures in a row or "
            "more brought other words, are counted and not shown. What stood in two captures is "
            "always shown when it goes, and so is all that changes at a place to which a word came "
            "back. With fewer than four captures all that changed is shown.",
            "Texts are compared by the fingerprints that `import` put into the records. Where they "
            "differ, or a record has none, the text is extracted from the document now, in a "
            "process without rights; how many were is said. A document that was withdrawn is "
            "compared by its fingerprint, and what changed in it cannot be told; the next one is "
            "compared with the one before, and the line says with which.",
            "`--diff` compares any two captures by their entry numbers, and shows each change.",
        },
    .examples =
        {
            {"vidimus history https://council.example/r/12", "what became of one page"},
            {"vidimus history --diff 9 17", "what changed between two captures"},
        },
    .options = history_options,
};

/* What is remembered of each capture that was told. */
struct seen {
    uint64_t n;
    struct vdm_digest document;
};

struct history {
    struct vdm_cli *cli;
    struct vdm_page_history page;
    size_t at;           /* in page.capture, which has the same order */
    struct vdm_buf seen; /* of struct seen, in order */
    uint64_t extracted, differ;
};

enum change { FIRST, SAME, CHANGED };

/* The capture on the line above, or UINT64_MAX. */
static uint64_t above(const struct history *h)
{
    const struct seen *s = (const void *)h->seen.p;
    size_t count = h->seen.n / sizeof *s;
    return count ? s[count - 1].n : UINT64_MAX;
}

/* How the bytes stand to those before: *as is the earliest capture of the same bytes. */
static enum change compare(const struct history *h, struct vdm_digest document, uint64_t *as)
{
    const struct seen *s = (const void *)h->seen.p;
    size_t count = h->seen.n / sizeof *s;
    *as = UINT64_MAX;
    for (size_t i = 0; i < count && *as == UINT64_MAX; i++)
        if (vdm_digest_equal(s[i].document, document))
            *as = s[i].n;
    if (count == 0)
        return FIRST;
    return vdm_digest_equal(s[count - 1].document, document) ? SAME : CHANGED;
}

/* --- the text --- */

static void print_words(uint64_t n, const char *what)
{
    vdm_out_count(stdout, n, "word", "words");
    fputs(what, stdout);
}

static const char *keeps_changing(const struct vdm_page_capture *p)
{
    return p->changing == 1 ? " that keeps changing" : " that keep changing";
}

static void print_changed(const struct vdm_page_capture *p)
{
    if (p->why[0]) {
        fputs("the text too, how is not known: ", stdout);
        vdm_out_str(stdout, p->why);
        return;
    }
    if (p->gone)
        print_words(p->gone, " gone");
    if (p->come) {
        fputs(p->gone ? ", " : "", stdout);
        print_words(p->come, " new");
    }
    if (p->changing) {
        fputs(", and ", stdout);
        print_words(p->changing, keeps_changing(p));
    }
}

static void print_text(const struct vdm_page_capture *p)
{
    switch (p->change) {
    case VDM_PAGE_FIRST:
    case VDM_PAGE_SAME_BYTES:
        return;
    case VDM_PAGE_SAME_TEXT:
        fputs(", same text", stdout);
        return;
    case VDM_PAGE_SAME_WORDS:
        fputs(", same words in other lines", stdout);
        return;
    case VDM_PAGE_CHANGING:
        fputs(", same text but for ", stdout);
        print_words(p->changing, keeps_changing(p));
        return;
    case VDM_PAGE_CHANGED:
        fputs(", ", stdout);
        print_changed(p);
        return;
    case VDM_PAGE_UNKNOWN:
        fputs(", no text to compare: ", stdout);
        vdm_out_str(stdout, p->why);
        return;
    }
}

static void print_edits(const struct history *h, const struct vdm_page_capture *p)
{
    enum { SHOWN = 10, INDENT = 10 };
    size_t most = p->edits < SHOWN ? p->edits : SHOWN;
    for (size_t i = 0; i < most; i++)
        vdm_edit_print(h->cli, &h->page.edit[p->first_edit + i], INDENT);
    uint64_t more = p->edits - most + p->edits_left_out;
    if (more) {
        printf("%*s", INDENT, "");
        vdm_out_count(stdout, more, "more place", "more places");
        puts(" (--diff shows each)");
    }
}

static json_t *text_json(const struct history *h, const struct vdm_page_capture *p)
{
    json_t *edits = json_array();
    for (size_t i = 0; i < p->edits; i++)
        vdm_json_add(&edits, vdm_edit_json(&h->page.edit[p->first_edit + i]));
    json_t *o = json_pack(
        "{s:s,s:I,s:I,s:I,s:o,s:I,s:b,s:b}", "change", vdm_page_change_name(p->change),
        "words_gone", (json_int_t)p->gone, "words_new", (json_int_t)p->come, "words_changing",
        (json_int_t)p->changing, "edits", edits, "edits_left_out", (json_int_t)p->edits_left_out,
        "extracted_now", p->extracted, "fingerprint_differs", p->differs);
    if (o)
        vdm_json_set(&o, "compared_with",
                     p->with == UINT64_MAX ? json_null() : json_integer((json_int_t)p->with));
    if (o)
        vdm_json_set(&o, "why", p->why[0] ? vdm_json_bytes(vdm_str(p->why)) : json_null());
    return o;
}

/* --- a line --- */

static void print_line(const struct history *h, const struct vdm_view *v, enum change change,
                       uint64_t as, const struct vdm_page_capture *p)
{
    bool apart = p && p->with != UINT64_MAX && p->with != above(h);
    struct vdm_bytes captured = vdm_record_value(&v->record, VDM_FIELD_CAPTURED, 0);
    printf("%8llu  ", (unsigned long long)v->n);
    if (captured.n) {
        fputs("captured ", stdout);
        vdm_out_value(stdout, captured);
    } else {
        fputs("recorded ", stdout);
        vdm_out_time(stdout, v->entry.recorded);
    }
    fputs("  ", stdout);
    vdm_out_number(stdout, v->record.document_size);
    fputs(" bytes  ", stdout);
    vdm_out_digest(stdout, v->record.document);
    fputs(change == FIRST ? "  first" : change == SAME ? "  same bytes" : "  changed", stdout);
    if (change == CHANGED && as != UINT64_MAX)
        printf(", back to the bytes of %llu", (unsigned long long)as);
    if (p && (change == CHANGED || apart))
        print_text(p);
    if (apart && p->change != VDM_PAGE_SAME_BYTES)
        printf(" (compared with entry %llu)", (unsigned long long)p->with);
    puts("");
    if (p)
        print_edits(h, p);
}

static bool print_json(const struct history *h, const struct vdm_view *v, enum change change,
                       uint64_t as, const struct vdm_page_capture *p, struct vdm_err *err)
{
    static const char *const words[] = {"first", "same", "changed"};
    json_t *o = vdm_view_json(v);
    if (o) {
        vdm_json_set(&o, "change", json_string(words[change]));
        vdm_json_set(&o, "same_bytes_as",
                     as == UINT64_MAX ? json_null() : json_integer((json_int_t)as));
        vdm_json_set(&o, "text", p ? text_json(h, p) : json_null());
    }
    return vdm_json_print(o, err);
}

static bool tell(void *ctx, const struct vdm_view *v, struct vdm_err *err)
{
    struct history *h = ctx;
    uint64_t as;
    if (!v->has_record) { /* withdrawn: nobody knows what it was */
        if (h->cli->json)
            return vdm_json_print(vdm_view_json(v), err);
        vdm_view_print_line(v);
        return true;
    }
    struct seen now = {v->n, v->record.document};
    enum change change = compare(h, now.document, &as);
    const struct vdm_page_capture *p = NULL;
    if (h->at < h->page.captures && h->page.capture[h->at].n == v->n)
        p = &h->page.capture[h->at++];
    h->extracted += p && p->extracted;
    h->differ += p && p->differs;
    bool ok = true;
    if (h->cli->json)
        ok = print_json(h, v, change, as, p, err);
    else
        print_line(h, v, change, as, p);
    vdm_buf_put(&h->seen, (struct vdm_bytes){(const uint8_t *)&now, sizeof now});
    return ok && vdm_buf_ok(&h->seen, err);
}

static void say_end(const struct history *h)
{
    if (h->seen.n == 0)
        vdm_cli_say(h->cli, "vidimus: no capture has exactly this source (`vidimus find` searches "
                            "by words)\n");
    if (h->extracted)
        vdm_cli_say(h->cli,
                    "vidimus: %llu texts were extracted now: the records have no fingerprint, or "
                    "that of another extractor\n",
                    (unsigned long long)h->extracted);
    if (h->differ)
        vdm_cli_say(h->cli,
                    "vidimus: warning: the fingerprints in %llu records are not those of the "
                    "texts\n",
                    (unsigned long long)h->differ);
}

static bool run_source(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_buf source VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_source_order order VDM_CLEANUP(vdm_source_order_release) = {0};
    struct history h = {.cli = cli};
    if (!vdm_cli_escape(&source, args->rest[0], err) || !vdm_cli_warn_behind(cli, err))
        return false;
    bool ok = vdm_source_order(cli->archive, vdm_buf_bytes(&source), &cli->progress, &order, err) &&
              (vdm_args_has(args, "no-text") ||
               vdm_page_history(cli->archive, &order, &cli->progress, &h.page, err));
    vdm_progress_end(cli);
    ok = ok && vdm_source_captures(cli->archive, &order, tell, &h, err);
    if (ok)
        say_end(&h);
    vdm_page_history_release(&h.page);
    vdm_buf_release(&h.seen);
    return ok;
}

static void print_diff(const struct vdm_cli *cli, const struct vdm_page_diff *d)
{
    if (d->same_bytes)
        puts("same bytes");
    else if (d->same_text)
        puts("same text, other bytes");
    else if (d->hunks.n == 0)
        puts("same words in other lines");
    vdm_page_diff_print(cli, d);
}

static bool run_diff(struct vdm_cli *cli, const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_page_diff d VDM_CLEANUP(vdm_page_diff_release) = {0};
    uint64_t a, b;
    if (!vdm_cli_number(args->rest[0], "--diff", &a, err) ||
        !vdm_cli_number(args->rest[1], "--diff", &b, err) ||
        !vdm_page_diff(cli->archive, a, b, &d, err))
        return false;
    if (!cli->json) {
        print_diff(cli, &d);
        return true;
    }
    json_t *o = json_pack("{s:I,s:I,s:b,s:b}", "from", (json_int_t)a, "to", (json_int_t)b,
                          "same_bytes", d.same_bytes, "same_text", d.same_text);
    vdm_page_diff_json(&o, &d);
    return vdm_json_print(o, err);
}

VDM_COMMAND(history)
{
    bool diff = vdm_args_has(args, "diff");
    (void)status;
    if (diff && args->rests != 2)
        return vdm_fail_as(err, VDM_ERR_USAGE, "--diff wants the numbers of two captures");
    if (!diff && args->rests != 1)
        return vdm_fail_as(err, VDM_ERR_USAGE, "one source, or --diff and two captures");
    if (diff && vdm_args_has(args, "no-text"))
        return vdm_fail_as(err, VDM_ERR_USAGE, "--diff compares texts: not with --no-text");
    return diff ? run_diff(cli, args, err) : run_source(cli, args, err);
}
