/* SPDX-License-Identifier: MIT */
/* One record as a member. */
#include "base/edtf.h"
#include "capture/warc.h"
#include "capture/warc_private.h"

#include <stdio.h>
#include <string.h>

/* A stated digest, and what is made of the bytes. */
struct check {
    struct vdm_stated_sum stated;
    struct vdm_sum sum;
    bool told; /* a digest is stated at all */
};

struct taking {
    struct vdm_warc *w;
    bool http;     /* the block is an HTTP response */
    bool chunked;  /* and says that its body is in chunks */
    bool as_it_is; /* the record itself is the document: a revisit */
    uint64_t body; /* unpacked position of the payload, and its length in the file's own form */
    uint64_t body_n;
    uint64_t given; /* bytes of the document */
    struct vdm_chunks chunks;
    struct check block, payload, raw; /* raw: the body with its transfer encoding */
};

static struct vdm_bytes stated(const struct taking *t, const char *name)
{
    return vdm_head_value(&t->w->head, name);
}

static void line(struct taking *t, enum vdm_field f, struct vdm_bytes value)
{
    vdm_members_line(t->w->to, f, value);
}

static void named_line(struct taking *t, enum vdm_field f, struct vdm_bytes name,
                       struct vdm_bytes value)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = {0};
    if (value.n == 0)
        return;
    vdm_buf_put(&b, name);
    vdm_buf_puts(&b, ": ");
    vdm_buf_put(&b, value);
    if (!b.failed)
        vdm_members_line(t->w->to, f, vdm_buf_bytes(&b));
}

static void field(struct taking *t, const char *name, const char *value)
{
    named_line(t, VDM_FIELD_FIELD, vdm_str(name), vdm_str(value));
}

/* --- what the heads say --- */

/* Those that have a line of their own, or say nothing of the capture. */
static bool has_own_line(struct vdm_bytes name, struct vdm_bytes value)
{
    static const char *const own[] = {"WARC-Record-ID", "WARC-Target-URI", "WARC-Date",
                                      "Content-Length", "WARC-Warcinfo-ID"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (vdm_same_letters(name, own[i]))
            return true;
    return vdm_same_letters(name, "Content-Type") &&
           vdm_begins_with_letters(value, "application/http");
}

/* Of HTTP: what tells what the document is, where from and how old. Not what tells of the reader. */
static bool worth_keeping(struct vdm_bytes name)
{
    static const char *const kept[] = {"Content-Type",
                                       "Content-Encoding",
                                       "Content-Language",
                                       "Content-Location",
                                       "Content-Disposition",
                                       "Content-Range",
                                       "Content-MD5",
                                       "Digest",
                                       "Transfer-Encoding",
                                       "Date",
                                       "Age",
                                       "Last-Modified",
                                       "Expires",
                                       "ETag",
                                       "Location",
                                       "Link",
                                       "Server",
                                       "Via",
                                       "Memento-Datetime",
                                       "Retry-After"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (vdm_same_letters(name, kept[i]))
            return true;
    return false;
}

static void warc_lines(struct taking *t)
{
    const struct vdm_head *h = &t->w->head;
    const struct vdm_warcinfo *info = vdm_warc_info(t->w);
    struct vdm_bytes date = stated(t, "WARC-Date");
    bool dated = vdm_source_date_valid(date);
    line(t, VDM_FIELD_SOURCE, vdm_without_angles(stated(t, "WARC-Target-URI")));
    if (dated)
        line(t, VDM_FIELD_CAPTURED, date);
    else
        named_line(t, VDM_FIELD_HEADER, VDM_LIT("WARC-Date"), date);
    if (!dated)
        vdm_warc_problem(t->w, date.n ? "its WARC-Date is no date" : "the record has no WARC-Date");
    if (info && info->operator_[0])
        line(t, VDM_FIELD_CAPTURED_BY, vdm_str(info->operator_));
    if (info && info->software[0])
        line(t, VDM_FIELD_METHOD, vdm_str(info->software));
    if (stated(t, "WARC-Record-ID").n == 0)
        vdm_warc_problem(t->w, "the record has no WARC-Record-ID");
    line(t, VDM_FIELD_RECORD_ID, vdm_without_angles(stated(t, "WARC-Record-ID")));
    for (size_t i = 0; i < h->lines; i++)
        if (!has_own_line(h->line[i].name, h->line[i].value))
            named_line(t, VDM_FIELD_HEADER, h->line[i].name, h->line[i].value);
    if (h->odd)
        field(t, "warc-head", "it has lines that are no fields, or too many");
    if (t->w->salvaged)
        field(t, "salvaged", "found by a search, behind a part of the WARC that cannot be read");
}

static void http_lines(struct taking *t)
{
    const struct vdm_head *h = &t->w->http;
    named_line(t, VDM_FIELD_HEADER, VDM_LIT("status"), vdm_trim(h->first));
    for (size_t i = 0; i < h->lines; i++)
        if (worth_keeping(h->line[i].name))
            named_line(t, VDM_FIELD_HEADER, h->line[i].name, h->line[i].value);
}

/* --- the document --- */

static void begin_check(struct taking *t, struct check *c, const char *name)
{
    struct vdm_bytes value = stated(t, name);
    c->told = value.n > 0;
    vdm_stated_sum_parse(value, &c->stated);
    vdm_sum_begin(&c->sum, vdm_members_sums(t->w->to), c->stated.kind);
}

/* false: the digest is not the one that is stated, or cannot be compared. */
static bool fits(struct check *c)
{
    uint8_t made[VDM_SUM_BYTES_MAX];
    return vdm_sum_end(&c->sum, made) &&
           memcmp(made, c->stated.b, vdm_sum_bytes(c->stated.kind)) == 0;
}

static void give(void *ctx, struct vdm_bytes data)
{
    struct taking *t = ctx;
    t->given += data.n;
    vdm_sum_add(&t->payload.sum, data);
    vdm_members_bytes(t->w->to, data);
}

static void body(struct taking *t, struct vdm_bytes data)
{
    t->body_n += data.n;
    if (t->chunked) {
        vdm_sum_add(&t->raw.sum, data);
        vdm_chunks_take(&t->chunks, data, give, t);
    } else {
        give(t, data);
    }
}

/* The head of an HTTP response, if the block begins with one that is whole; *n: its bytes. */
static bool read_http_head(struct taking *t, size_t *n)
{
    uint64_t length = t->w->length;
    size_t want = length < 2048 ? (size_t)length : 2048;
    struct vdm_bytes b = vdm_unpack_look(t->w->in, want);
    if (!vdm_begins_with_letters(b, "HTTP/"))
        return false;
    if (vdm_head_end(b) == 0)
        b = vdm_unpack_look(t->w->in, VDM_HEAD_BYTES_MAX);
    if (b.n > length)
        b.n = (size_t)length;
    if (b.n > VDM_HEAD_BYTES_MAX)
        b.n = VDM_HEAD_BYTES_MAX;
    *n = vdm_head_end(b);
    if (*n == 0 &&
        b.n <
            VDM_HEAD_BYTES_MAX) /* without a body it may lack the empty line; or the file ends here */
        *n = b.n;
    if (*n)
        vdm_head_parse(&t->w->http, (struct vdm_bytes){b.p, *n}, true);
    return *n > 0;
}

static bool says_chunked(const struct vdm_head *h)
{
    struct vdm_bytes v = vdm_head_value(h, "Transfer-Encoding");
    return v.n >= 7 && vdm_same_letters(vdm_bytes_skip(v, v.n - 7), "chunked");
}

static void pass_block_bytes(struct taking *t, struct vdm_bytes data, bool to_document)
{
    vdm_sum_add(&t->block.sum, data);
    if (to_document)
        body(t, data);
    else
        vdm_members_passed(t->w->to, data.n);
}

static void take_http_head(struct taking *t, size_t n)
{
    struct vdm_bytes b = vdm_unpack_look(t->w->in, n);
    b.n = n;
    t->body += n;
    pass_block_bytes(t, b, t->as_it_is);
    vdm_unpack_take(t->w->in, n);
}

/* Its lines, then its bytes. */
static void take_block(struct taking *t)
{
    struct vdm_warc *w = t->w;
    struct vdm_bytes b;
    size_t n = 0;
    t->http = vdm_begins_with_letters(stated(t, "Content-Type"), "application/http") &&
              read_http_head(t, &n);
    if (t->http)
        http_lines(t);
    t->chunked = t->http && !t->as_it_is && says_chunked(&w->http);
    begin_check(t, &t->block, "WARC-Block-Digest");
    begin_check(t, &t->payload, "WARC-Payload-Digest");
    if (t->chunked)
        begin_check(t, &t->raw, "WARC-Payload-Digest");
    t->body = w->block;
    if (t->as_it_is)
        give(t, (struct vdm_bytes){w->raw, w->raw_n});
    if (n)
        take_http_head(t, n);
    for (uint64_t left = w->length - n; left && vdm_members_wanted(w->to); left -= b.n) {
        b = vdm_warc_piece(w, left);
        if (b.n == 0)
            return;
        pass_block_bytes(t, b, true);
    }
}

/* A body that is no chunks and shorter than a line with a size waits in it. */
static void end_chunks(struct taking *t)
{
    struct vdm_chunks *c = &t->chunks;
    if (!t->chunked)
        return;
    if (!c->begun && c->n)
        give(t, (struct vdm_bytes){c->line, c->n});
    if (!c->begun && t->given)
        field(t, "transfer-encoding", "said to be chunked, and is not: taken as it stands");
    else if (c->begun && c->state != VDM_CHUNK_END && c->state != VDM_CHUNK_TAIL) {
        field(t, "incomplete", "the chunks of the body break off or are not as they should be");
        vdm_warc_problem(t->w, "the chunks of the body break off or are not as they should be");
    }
}

/* --- what came out --- */

static void tell_digests(struct taking *t)
{
    bool payload = fits(&t->payload), raw = fits(&t->raw), block = fits(&t->block);
    bool known = t->payload.stated.kind != VDM_SUM_KINDS;
    if (t->payload.told && !t->as_it_is) {
        field(t, "payload-digest",
              !known    ? "not checked: a form that is not known"
              : payload ? "match"
              : raw     ? "match over the transfer-encoded bytes"
                        : "mismatch");
        if (known && !payload && !raw)
            vdm_warc_problem(t->w, "the payload is not what WARC-Payload-Digest says");
    }
    known = t->block.stated.kind != VDM_SUM_KINDS;
    if (t->block.told)
        field(t, "block-digest",
              !known  ? "not checked: a form that is not known"
              : block ? "match"
                      : "mismatch");
    if (t->block.told && known && !block)
        vdm_warc_problem(t->w, "the block is not what WARC-Block-Digest says");
}

/* In a WARC that is packed there is nothing that one could cut out of the container: it is told in words. */
static void tell_place_within(struct taking *t, const char *what)
{
    static const char *const units[] = {"", " in the gzip member", " in the zstd frame"};
    struct vdm_warc *w = t->w;
    uint64_t offset = w->start, length;
    char method[VDM_WARC_WITHIN_MAX + 200];
    enum vdm_unpack_form form = vdm_unpack_form(w->in);
    bool unit = form == VDM_UNPACK_PLAIN ||
                vdm_unpack_piece(w->in, w->start, vdm_unpack_at(w->in), &offset, &length);
    snprintf(method, sizeof method, "%s of the WARC record%s at byte %llu of %s%s", what,
             unit ? units[form] : "", (unsigned long long)offset,
             unit ? "" : "what this unpacks to: ", w->within);
    vdm_members_method(w->to, method);
}

static void tell_place_unpacked(struct taking *t, const char *what)
{
    struct vdm_warc *w = t->w;
    char method[200], place[VDM_WARC_PLACE_MAX];
    vdm_warc_unpacked_place(w, place);
    snprintf(method, sizeof method, "%s of the WARC record at %s", what, place);
    vdm_members_method(w->to, method);
}

/* Of a plain WARC the bytes themselves, if nothing was taken out of them; else the record. */
static void tell_place(struct taking *t)
{
    struct vdm_warc *w = t->w;
    uint64_t offset, length, end = w->block + w->length;
    const char *what = t->as_it_is                     ? "revisit record"
                       : t->chunked && t->chunks.begun ? "payload, chunks removed,"
                                                       : "payload";
    static const char *const pieces[] = {"", "gzip member", "zstd frame"};
    char method[200];
    if (w->within) {
        tell_place_within(t, what);
    } else if (vdm_unpack_form(w->in) == VDM_UNPACK_PLAIN) {
        bool slice = t->as_it_is || !(t->chunked && t->chunks.begun);
        uint64_t from = t->as_it_is ? w->start : slice ? t->body : w->start;
        snprintf(method, sizeof method,
                 slice ? "slice: %s of a WARC record" : "%s of a WARC record", what);
        vdm_members_place(w->to, from, slice ? t->given : end - from, method);
    } else if (vdm_unpack_piece(w->in, w->start, vdm_unpack_at(w->in), &offset, &length)) {
        snprintf(method, sizeof method, "%s of the WARC record in a %s", what,
                 pieces[vdm_unpack_form(w->in)]);
        vdm_members_place(w->to, offset, length, method);
    } else {
        tell_place_unpacked(t, what);
    }
}

static void tell_record(struct taking *t, enum vdm_warc_end end)
{
    char text[120];
    struct vdm_bytes segment = stated(t, "WARC-Segment-Number");
    if (end == VDM_WARC_CUT)
        snprintf(text, sizeof text, "the record breaks off after %llu of %llu bytes",
                 (unsigned long long)(vdm_unpack_at(t->w->in) - t->w->block),
                 (unsigned long long)t->w->length);
    else if (end == VDM_WARC_TOO_SHORT)
        snprintf(text, sizeof text, "the record does not end where its Content-Length says");
    if (end == VDM_WARC_CUT || end == VDM_WARC_TOO_SHORT)
        field(t, "incomplete", text);
    if (segment.n) {
        field(t, "incomplete", "the first segment of a record: the others are not joined to it");
        vdm_warc_problem(t->w, "the first segment of a record: segments are not joined");
    }
}

static void begin_member(struct taking *t)
{
    struct vdm_bytes uri = vdm_without_angles(stated(t, "WARC-Target-URI"));
    struct vdm_bytes id = vdm_without_angles(stated(t, "WARC-Record-ID"));
    struct vdm_bytes name = uri.n ? uri : id;
    if (name.n && memchr(name.p, 0, name.n))
        name = VDM_LIT("(a record whose name holds NUL)");
    vdm_members_begin(t->w->to, name.n ? name : VDM_LIT("(a record without a name)"));
    t->as_it_is = vdm_same_letters(stated(t, "WARC-Type"), "revisit");
    if (t->as_it_is)
        vdm_members_repeats(t->w->to, vdm_without_angles(stated(t, "WARC-Refers-To")),
                            vdm_without_angles(stated(t, "WARC-Refers-To-Target-URI")),
                            stated(t, "WARC-Refers-To-Date"));
    warc_lines(t);
}

void vdm_warc_take_member(struct vdm_warc *w)
{
    struct taking t = {.w = w};
    t.block.sum.kind = t.payload.sum.kind = t.raw.sum.kind = VDM_SUM_KINDS;
    begin_member(&t);
    take_block(&t);
    end_chunks(&t);
    enum vdm_warc_end end = vdm_warc_end(w);
    if (end == VDM_WARC_DAMAGED || end == VDM_WARC_TOO_LONG) {
        vdm_members_refuse(w->to, end == VDM_WARC_DAMAGED
                                      ? "its record in the WARC is damaged"
                                      : "its record in the WARC says a wrong length");
    } else {
        tell_digests(&t);
        tell_record(&t, end);
        tell_place(&t);
        vdm_members_done(w->to);
    }
    vdm_warc_tell_end(w, end);
    vdm_sum_release(&t.block.sum);
    vdm_sum_release(&t.payload.sum);
    vdm_sum_release(&t.raw.sum);
    w->end = end;
}
