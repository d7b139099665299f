/* SPDX-License-Identifier: MIT */
#include "cli/verdict.h"

#include "ops/bundle_item.h"

#include <string.h>

const char *vdm_shows_not(enum vdm_checked what)
{
    if (what == VDM_CHECKED_FORK_PROOF)
        return "It does not show which of the two is the true one, nor who holds the key.";
    return "It does not show that a statement is true, who wrote it, or that the source served it.";
}

const char *vdm_shows(const struct vdm_report *r, enum vdm_checked what)
{
    if (vdm_report_verdict(r) == VDM_NO_MATCH)
        return "What was checked is as it was recorded. The file that you gave is another: it was "
               "changed, or it is the document of something that is not here.";
    if (what == VDM_CHECKED_FORK_PROOF)
        return "This shows that the holder of the ledger's key signed two histories that "
               "contradict "
               "each other.";
    if (what == VDM_CHECKED_CHECKPOINT)
        return "This shows that the ledger's key signed this state of the ledger. No entry and no "
               "document was looked at.";
    if (what == VDM_CHECKED_PROOF)
        return "This shows that the ledger, in the state that its key signed, holds this entry. "
               "Its "
               "record and its document were not looked at.";
    if (r->documents == 0)
        return "This shows that the archive recorded documents of these digests under these keys, "
               "and that nothing before that point in its ledger was changed since. No document "
               "itself was looked at.";
    return "This shows that the archive recorded exactly these bytes under these keys, and that "
           "nothing before that point in its ledger was changed since.";
}

static enum vdm_colour colour_of(enum vdm_verdict v)
{
    return v == VDM_VERIFIED ? VDM_GOOD : v == VDM_INTACT_UNTRUSTED ? VDM_DOUBTFUL : VDM_BAD;
}

static void print_finding(const struct vdm_finding *f)
{
    bool more = f->entry != VDM_NO_ENTRY || f->document;
    printf(more ? "  %-20s" : "  %s", vdm_kind_word(f->kind));
    if (f->entry != VDM_NO_ENTRY)
        printf(" entry %llu", (unsigned long long)f->entry);
    if (f->document) {
        fputs("  ", stdout);
        vdm_out_str(stdout, f->document);
    }
    fputs("\n    ", stdout);
    vdm_out_str(stdout, f->message ? f->message : "");
    puts("");
    if (f->expected) {
        fputs("    expected ", stdout);
        vdm_out_str(stdout, f->expected);
        puts("");
    }
    if (f->found) {
        fputs("    found    ", stdout);
        vdm_out_str(stdout, f->found);
        puts("");
    }
}

static void print_findings(const struct vdm_findings *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->list[i].kind != VDM_COMPLETENESS_NOT_PROVED) /* has a line of its own */
            print_finding(&list->list[i]);
    if (list->total > list->count)
        printf("  ... and %llu more\n", (unsigned long long)(list->total - list->count));
}

static void print_extent(const struct vdm_report *r)
{
    fputs("  checked       ", stdout);
    if (r->is_bundle)
        vdm_out_count(stdout, r->captures, "capture", "captures");
    else
        vdm_out_count(stdout, r->entries, "entry", "entries");
    fputs(", ", stdout);
    vdm_out_count(stdout, r->documents, "document", "documents");
    fputs(", ", stdout);
    vdm_out_size(stdout, r->bytes);
    if (r->withdrawn) {
        fputs("; ", stdout);
        vdm_out_number(stdout, r->withdrawn);
        fputs(" WITHDRAWN", stdout);
    }
    if (r->partly) {
        fputs("; ", stdout);
        vdm_out_number(stdout, r->partly);
        fputs(" PARTLY DISCLOSED (hidden lines may qualify or contradict what is shown)", stdout);
    }
    puts("");
}

static void print_ledger(const struct vdm_report *r)
{
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    if (!r->origin[0])
        return;
    vdm_base64_append(&root, vdm_digest_bytes(&r->root));
    printf("  ledger        %s, as of ", r->origin);
    vdm_out_count(stdout, r->size, "entry", "entries");
    if (r->has_time) {
        fputs(", ", stdout);
        vdm_out_time(stdout, r->time);
    }
    printf("\n  root          %.*s\n", (int)root.n, (const char *)root.p);
    if (r->trusted_key[0])
        printf("  %s   %s, %s\n", r->trusted ? "trusted key" : "its key    ", r->trusted_key,
               r->fingerprint);
    if (r->extended)
        printf("  extends       %s that %s kept elsewhere\n",
               r->extended == 1 ? "the checkpoint" : "all checkpoints",
               r->extended == 1 ? "was" : "were");
    if (r->has_time)
        puts("  time          recorded by the archive's own clock; no outside timestamp");
    if (r->is_bundle && r->captures)
        puts("  selection     chosen entries; completeness not proved");
}

/* Of a fork proof: the checkpoint that contradicts the one above. */
static void print_other(const struct vdm_report *r)
{
    struct vdm_buf root VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_base64_append(&root, vdm_digest_bytes(&r->other_root));
    fputs("  contradicts   ", stdout);
    vdm_out_count(stdout, r->other_size, "entry", "entries");
    printf("\n  with root     %.*s\n", (int)root.n, (const char *)root.p);
}

void vdm_verdict_print(struct vdm_cli *cli, const struct vdm_report *r, enum vdm_checked what,
                       const char *name)
{
    enum vdm_verdict v = vdm_report_verdict(r);
    uint64_t findings = vdm_report_findings(r);
    vdm_out_coloured(stdout, colour_of(v), vdm_verdict_words(v));
    fputs("  ", stdout);
    if (findings) {
        vdm_out_count(stdout, findings, "finding", "findings");
        fputs(" in ", stdout);
    }
    vdm_out_str(stdout, name);
    puts("");
    print_findings(&r->findings);
    if (what <= VDM_CHECKED_BUNDLE)
        print_extent(r);
    print_ledger(r);
    if (r->other_size)
        print_other(r);
    if (!cli->quiet)
        print_findings(&r->notices);
    if (v == VDM_VERIFIED || v == VDM_NO_MATCH)
        puts(vdm_shows(r, what));
    puts(vdm_shows_not(what));
}

/* --- JSON --- */

static json_t *text_or_null(const char *s)
{
    return s ? vdm_json_bytes(vdm_str(s)) : json_null();
}

static json_t *findings_json(const struct vdm_findings *list)
{
    json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++) {
        const struct vdm_finding *f = &list->list[i];
        json_t *o =
            json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "kind", vdm_kind_word(f->kind), "entry",
                      f->entry == VDM_NO_ENTRY ? json_null() : json_integer((json_int_t)f->entry),
                      "document", text_or_null(f->document), "expected", text_or_null(f->expected),
                      "found", text_or_null(f->found), "message", text_or_null(f->message));
        json_array_append_new(array, o);
    }
    return array;
}

bool vdm_verdict_json(const struct vdm_report *r, enum vdm_checked what, const char *name,
                      struct vdm_err *err)
{
    static const char *const kinds[] = {"archive", "bundle", "proof", "checkpoint", "fork-proof"};
    enum vdm_verdict v = vdm_report_verdict(r);
    json_t *o = json_pack("{s:o,s:s,s:b,s:s,s:s,s:I,s:o,s:o,s:I,s:I,s:I,s:b,s:I,s:o,s:o}", "name",
                          vdm_json_bytes(vdm_str(name)), "verdict", vdm_verdict_words(v), "ok",
                          v == VDM_VERIFIED, "kind", kinds[what], "origin", r->origin, "size",
                          (json_int_t)r->size, "root", vdm_json_root(r->root), "time",
                          r->has_time ? vdm_json_time(r->time) : json_null(), "entries_checked",
                          (json_int_t)r->entries, "documents_checked", (json_int_t)r->documents,
                          "bytes_checked", (json_int_t)r->bytes, "trusted", r->trusted,
                          "findings_total", (json_int_t)vdm_report_findings(r), "findings",
                          findings_json(&r->findings), "notices", findings_json(&r->notices));
    if (o && r->other_size)
        json_object_set_new(o, "contradicts",
                            json_pack("{s:I,s:o}", "size", (json_int_t)r->other_size, "root",
                                      vdm_json_root(r->other_root)));
    return vdm_json_print(o, err);
}

bool vdm_verdict_json_failed(const char *name, const char *why, struct vdm_err *err)
{
    return vdm_json_print(json_pack("{s:o,s:s,s:b,s:s,s:o}", "name", vdm_json_bytes(vdm_str(name)),
                                    "verdict", vdm_verdict_words(VDM_COULD_NOT_CHECK), "ok", 0,
                                    "kind", "bundle", "message", vdm_json_bytes(vdm_str(why))),
                          err);
}

/* --- items --- */

static const char *document_words(enum vdm_item_document d)
{
    static const char *const words[] = {"checked",           "checked (your file)",
                                        "not in the bundle", "MISSING",
                                        "CORRUPT",           "not disclosed"};
    return words[d];
}

static const char *item_state(const struct vdm_bundle_item *item)
{
    if (!item->good)
        return "BAD";
    if (item->record_withdrawn || item->document_withdrawn)
        return "WITHDRAWN";
    return item->hidden ? "PARTLY DISCLOSED" : "good";
}

void vdm_item_print(const struct vdm_bundle_item *item)
{
    struct vdm_bytes title = vdm_item_value(item, VDM_FIELD_TITLE);
    printf("  entry %-8llu %-16s document %s", (unsigned long long)item->n, item_state(item),
           document_words(item->document));
    if (title.n) {
        fputs("   ", stdout);
        vdm_out_value(stdout, title);
    }
    puts("");
}

/* --- the page --- */

static void put_html(FILE *to, struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++) {
        switch (s.p[i]) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        case '\'':
            fputs("&#39;", to);
            break;
        default:
            fputc(s.p[i], to);
        }
    }
}

/* Text of any kind: first safe for a reader's eyes, then for HTML. */
static void put_text(FILE *to, struct vdm_bytes s, bool escaped_already)
{
    char *text = NULL;
    size_t n = 0;
    FILE *memory = open_memstream(&text, &n);
    if (!memory)
        return;
    if (escaped_already)
        vdm_out_value(memory, s);
    else
        vdm_out_text(memory, s);
    if (fclose(memory) == 0)
        put_html(to, (struct vdm_bytes){(uint8_t *)text, n});
    vdm_free_string(&text);
}

bool vdm_page_open(struct vdm_page *p, struct vdm_err *err)
{
    p->items = tmpfile();
    return p->items || vdm_fail_errno(err, "scratch file");
}

void vdm_page_release(struct vdm_page *p)
{
    if (p->items)
        fclose(p->items);
    vdm_buf_release(&p->body);
    *p = (struct vdm_page){0};
}

static void put_line(void *ctx, enum vdm_field f, struct vdm_bytes value)
{
    bool claimed =
        f == VDM_FIELD_CAPTURED || f == VDM_FIELD_ISSUED || f == VDM_FIELD_ISSUED_AS_WRITTEN;
    FILE *to = ctx;
    if (f == VDM_FIELD_DOCUMENT)
        return; /* stands below, with what was found */
    fprintf(to, "<tr><th>%s%s</th><td>", vdm_field_name(f),
            claimed ? " <small>(claimed)</small>" : "");
    put_text(to, value, true);
    fputs("</td></tr>\n", to);
}

void vdm_page_item(struct vdm_page *p, const struct vdm_bundle_item *item)
{
    FILE *to = p->items;
    char time[VDM_TIME_LEN + 1] = "", hex[65] = "";
    if (!to)
        return;
    fprintf(to, "<h3>Entry %llu: %s</h3>\n<table>\n", (unsigned long long)item->n,
            item_state(item));
    if (item->hidden)
        fprintf(to,
                "<tr><th>hidden</th><td>%llu of %llu lines are not shown; they may qualify or "
                "contradict what is shown</td></tr>\n",
                (unsigned long long)item->hidden, (unsigned long long)item->lines);
    if (item->has_entry) {
        vdm_time_encode(item->recorded, time);
        fprintf(to,
                "<tr><th>recorded <small>(claimed by the archive's clock)</small></th><td>%s by ",
                time);
        put_text(to, item->signer, false);
        fputs("</td></tr>\n", to);
    }
    vdm_item_lines(item, put_line, to);
    fprintf(to, "<tr><th>document</th><td>%s", document_words(item->document));
    if (item->has_document) {
        vdm_digest_hex(item->document_digest, hex);
        fprintf(to, ", %llu bytes, sha256 <code>%s</code>", (unsigned long long)item->document_size,
                hex);
    }
    fputs("</td></tr>\n</table>\n", to);
}

static void put_findings(FILE *to, const char *heading, const struct vdm_findings *list)
{
    if (list->total == 0)
        return;
    fprintf(to, "<h3>%s</h3>\n<ul>\n", heading);
    for (size_t i = 0; i < list->count; i++) {
        const struct vdm_finding *f = &list->list[i];
        fprintf(to, "<li><strong>%s</strong> ", vdm_kind_word(f->kind));
        if (f->entry != VDM_NO_ENTRY)
            fprintf(to, "entry %llu ", (unsigned long long)f->entry);
        if (f->document)
            put_text(to, vdm_str(f->document), false);
        fputs(": ", to);
        put_text(to, vdm_str(f->message ? f->message : ""), false);
        fputs("</li>\n", to);
    }
    if (list->total > list->count)
        fprintf(to, "<li>and %llu more</li>\n", (unsigned long long)(list->total - list->count));
    fputs("</ul>\n", to);
}

static void put_summary(FILE *to, const struct vdm_report *r, enum vdm_checked what,
                        const char *name)
{
    enum vdm_verdict v = vdm_report_verdict(r);
    char time[VDM_TIME_LEN + 1] = "not known";
    if (r->has_time)
        vdm_time_encode(r->time, time);
    fputs("<h2>", to);
    put_text(to, vdm_str(name), false);
    fprintf(to, "</h2>\n<p class=\"%s\">%s</p>\n<table>\n", v == VDM_VERIFIED ? "good" : "bad",
            vdm_verdict_words(v));
    fprintf(to,
            "<tr><th>ledger</th><td>%s, as of %llu entries, %s <small>(claimed by the archive's "
            "clock)</small></td></tr>\n",
            r->origin, (unsigned long long)r->size, time);
    fprintf(to, "<tr><th>key</th><td>%s, fingerprint %s, %s</td></tr>\n", r->trusted_key,
            r->fingerprint, r->trusted ? "trusted by the reader" : "NOT trusted by the reader");
    fprintf(to,
            "<tr><th>checked</th><td>%llu entries, %llu captures, %llu documents, %llu "
            "bytes</td></tr>\n",
            (unsigned long long)r->entries, (unsigned long long)r->captures,
            (unsigned long long)r->documents, (unsigned long long)r->bytes);
    if (what == VDM_CHECKED_FORK_PROOF)
        fprintf(to,
                "<tr><th>contradicts</th><td>what the same key signed of %llu entries</td></tr>",
                (unsigned long long)r->other_size);
    else
        fputs("<tr><th>selection</th><td>chosen entries; completeness not proved</td></tr>", to);
    fputs("\n</table>\n", to);
    fprintf(to,
            "<p>%s</p>\n<p>%s The index and the instructions inside the bundle are the sender's "
            "words; what counts is what stands here.</p>\n",
            v == VDM_VERIFIED || v == VDM_NO_MATCH ? vdm_shows(r, what) : "", vdm_shows_not(what));
    put_findings(to, "Findings", &r->findings);
    put_findings(to, "Notices", &r->notices);
}

static void put_failed(FILE *to, const char *name, const char *why)
{
    fputs("<h2>", to);
    put_text(to, vdm_str(name), false);
    fprintf(to, "</h2>\n<p class=\"bad\">%s</p>\n<p>", vdm_verdict_words(VDM_COULD_NOT_CHECK));
    put_text(to, vdm_str(why), false);
    fputs("</p>\n", to);
}

static bool append_items(struct vdm_page *p, struct vdm_err *err)
{
    char piece[4096];
    size_t n;
    rewind(p->items);
    while ((n = fread(piece, 1, sizeof piece, p->items)) > 0)
        vdm_buf_put(&p->body, (struct vdm_bytes){(uint8_t *)piece, n});
    bool ok = !ferror(p->items);
    fclose(p->items);
    p->items = NULL;
    return ok ? vdm_buf_ok(&p->body, err) && vdm_page_open(p, err)
              : vdm_fail_errno(err, "scratch file");
}

/* The head of a section: of a report, or without one why there is none. Then its items. */
static bool add_section(struct vdm_page *p, const struct vdm_report *r, enum vdm_checked what,
                        const char *name, const char *why, struct vdm_err *err)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return vdm_fail_memory(err);
    if (r)
        put_summary(to, r, what, name);
    else
        put_failed(to, name, why);
    bool ok = fclose(to) == 0;
    if (ok)
        vdm_buf_put(&p->body, (struct vdm_bytes){(uint8_t *)text, n});
    vdm_free_string(&text);
    return ok ? append_items(p, err) : vdm_fail_memory(err);
}

bool vdm_page_bundle(struct vdm_page *p, const struct vdm_report *r, enum vdm_checked what,
                     const char *name, struct vdm_err *err)
{
    return add_section(p, r, what, name, NULL, err);
}

bool vdm_page_failed(struct vdm_page *p, const char *name, const char *why, struct vdm_err *err)
{
    /* Items of a check that broke off have no verdict. */
    fclose(p->items);
    p->items = NULL;
    return vdm_page_open(p, err) && add_section(p, NULL, VDM_CHECKED_BUNDLE, name, why, err);
}

bool vdm_page_publish(struct vdm_page *p, const char *path, struct vdm_err *err)
{
    static const char head[] =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
        "'unsafe-inline'\">\n<title>vidimus report</title>\n<style>\n"
        "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}\n"
        "th{text-align:left;vertical-align:top;padding-right:1em}\n"
        "code,td{overflow-wrap:anywhere}\n.good,.bad{font-size:1.5em;font-weight:bold}\n"
        ".good{color:#060}.bad{color:#a00}\n</style>\n</head>\n<body>\n<h1>What was checked</h1>\n";
    struct vdm_buf page VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&page, head);
    vdm_buf_put(&page, vdm_buf_bytes(&p->body));
    vdm_buf_puts(&page,
                 "<p><small>Made by vidimus " VDM_VERSION ".</small></p>\n</body>\n</html>\n");
    return vdm_buf_ok(&page, err) && vdm_cli_write_file(path, vdm_buf_bytes(&page), err);
}
