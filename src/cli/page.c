/* SPDX-License-Identifier: MIT */
#include "cli/page.h"

#include "base/file.h"
#include "ops/bundle_item.h"

#include <unistd.h>

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
    if (!vdm_file_scratch(-1, &p->body, err))
        return false;
    p->items = tmpfile();
    return p->items || vdm_fail_errno(err, "scratch file");
}

void vdm_page_release(struct vdm_page *p)
{
    if (p->items)
        fclose(p->items);
    vdm_fd_close(&p->body);
    *p = (struct vdm_page){.body = -1};
}

/* Of the place in the files only the kernel knows: the workers have written too. */
bool vdm_page_begin(struct vdm_page *p, struct vdm_err *err)
{
    rewind(p->items);
    p->kept = lseek(p->body, 0, SEEK_END);
    if (p->kept < 0 || lseek(fileno(p->items), 0, SEEK_SET) != 0 ||
        ftruncate(fileno(p->items), 0) != 0)
        return vdm_fail_errno(err, "scratch file");
    return true;
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

static void put_value(FILE *to, struct vdm_bytes value)
{
    put_text(to, value, true);
}

static void put_withdrawals(FILE *to, const struct vdm_bundle_item *item)
{
    for (size_t i = 0; i < item->withdrawn_by; i++) {
        fputs("<tr><th>WITHDRAWN</th><td>", to);
        vdm_item_put_withdrawal(to, &item->withdrawal[i], put_value);
        fputs("</td></tr>\n", to);
    }
}

void vdm_page_item(struct vdm_page *p, const struct vdm_bundle_item *item)
{
    FILE *to = p->items;
    char time[VDM_TIME_LEN + 1] = "", hex[65] = "";
    if (!to)
        return;
    fprintf(to, "<h3>Entry %llu: %s</h3>\n<table>\n", (unsigned long long)item->n,
            vdm_item_state(item));
    put_withdrawals(to, item);
    if (item->hidden) {
        fputs("<tr><th>PARTLY DISCLOSED</th><td>", to);
        vdm_item_put_hidden(to, item);
        fputs("; they may qualify or contradict what is shown</td></tr>\n", to);
    }
    if (item->has_entry) {
        vdm_time_encode(item->recorded, time);
        fprintf(to,
                "<tr><th>recorded <small>(claimed by the archive's clock)</small></th><td>%s by ",
                time);
        put_text(to, item->signer, false);
        fputs("</td></tr>\n", to);
    }
    if (item->amended) {
        fputs("<tr><th>amended</th><td>", to);
        vdm_item_put_amended(to, item); /* a name holds nothing that HTML would obey */
        fputs("</td></tr>\n", to);
    }
    vdm_item_lines(item, put_line, to);
    fprintf(to, "<tr><th>document</th><td>%s", vdm_item_document_words(item->document));
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

static void put_protection(FILE *to, const struct vdm_protection *p)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_protection_describe(p, &text);
    fputs("<tr><th>checked under</th><td>", to);
    put_html(to, vdm_buf_bytes(&text));
    fputs("</td></tr>\n", to);
}

static void put_summary(FILE *to, const struct vdm_report *r, enum vdm_checked what,
                        const char *name, const struct vdm_protection *protection)
{
    enum vdm_verdict v = vdm_report_verdict(r);
    char time[VDM_TIME_LEN + 1] = "not known";
    if (r->has_time)
        vdm_time_encode(r->time, time);
    fputs("<h2>", to);
    put_text(to, vdm_str(name), false);
    fprintf(to, "</h2>\n<p class=\"%s\">%s</p>\n", v == VDM_VERIFIED ? "good" : "bad",
            vdm_verdict_words(v));
    if (r->partly || r->absent) {
        fputs("<p>", to);
        vdm_put_not_shown(to, r);
        fputs("</p>\n", to);
    }
    fputs("<table>\n", to);
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
    put_protection(to, protection);
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
        if (!vdm_fd_write(p->body, (struct vdm_bytes){(uint8_t *)piece, n}, err))
            return vdm_err_prefix(err, "scratch file");
    return !ferror(p->items) || vdm_fail_errno(err, "scratch file");
}

/* The head of a section: of a report, or without one why there is none. */
static bool add_head(struct vdm_page *p, const struct vdm_report *r, enum vdm_checked what,
                     const char *name, const char *why, const struct vdm_protection *protection,
                     struct vdm_err *err)
{
    char *text VDM_CLEANUP(vdm_free_string) = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    if (!to)
        return vdm_fail_memory(err);
    if (r)
        put_summary(to, r, what, name, protection);
    else
        put_failed(to, name, why);
    if (fclose(to) != 0)
        return vdm_fail_memory(err);
    return vdm_fd_write(p->body, (struct vdm_bytes){(uint8_t *)text, n}, err) ||
           vdm_err_prefix(err, "scratch file");
}

bool vdm_page_bundle(struct vdm_page *p, const struct vdm_report *r, enum vdm_checked what,
                     const char *name, const struct vdm_protection *protection, struct vdm_err *err)
{
    return add_head(p, r, what, name, NULL, protection, err) && append_items(p, err);
}

bool vdm_page_failed(struct vdm_page *p, const char *name, const char *why, struct vdm_err *err)
{
    if (ftruncate(p->body, p->kept) != 0 || lseek(p->body, p->kept, SEEK_SET) != p->kept)
        return vdm_fail_errno(err, "scratch file");
    return add_head(p, NULL, VDM_CHECKED_BUNDLE, name, why, NULL, err);
}

static bool read_body(struct vdm_page *p, struct vdm_buf *page, struct vdm_err *err)
{
    off_t size = lseek(p->body, 0, SEEK_END);
    if (size < 0 || lseek(p->body, 0, SEEK_SET) != 0)
        return vdm_fail_errno(err, "scratch file");
    uint8_t *room = vdm_buf_grow(page, (size_t)size);
    size_t got = 0;
    if (!room)
        return vdm_fail_memory(err);
    return vdm_fd_read(p->body, room, (size_t)size, &got, err) &&
           (got == (size_t)size || vdm_fail(err, "scratch file: cut short"));
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
    if (!read_body(p, &page, err))
        return false;
    vdm_buf_puts(&page,
                 "<p><small>Made by vidimus " VDM_VERSION ".</small></p>\n</body>\n</html>\n");
    return vdm_buf_ok(&page, err) && vdm_cli_write_file(path, vdm_buf_bytes(&page), err);
}
