/* SPDX-License-Identifier: MIT */
#include "format/disclosure.h"

#include "base/text.h"
#include "format/value.h"

#define MAGIC "vidimus/disclosure/v1\n"

/* `<i> open <salt> <line>` or `<i> hidden <h_i>`; h_i comes out in both cases. */
static bool decode_line(struct vdm_crypto *c, struct vdm_bytes text, uint64_t i, bool *open,
                        struct vdm_bytes *line, struct vdm_digest *hash)
{
    struct vdm_bytes number, word, salt_hex;
    struct vdm_digest salt;
    uint64_t index;
    if (!vdm_cut(&text, ' ', &number) || !vdm_number_decode(number, &index) || index != i ||
        !vdm_cut(&text, ' ', &word))
        return false;
    *open = vdm_bytes_equal_str(word, "open");
    if (!*open)
        return vdm_bytes_equal_str(word, "hidden") && vdm_digest_from_hex(text, hash);
    if (!vdm_cut(&text, ' ', &salt_hex) || !vdm_digest_from_hex(salt_hex, &salt))
        return false;
    struct vdm_bytes parts[] = {vdm_digest_bytes(&salt), text};
    *hash = vdm_sha256_parts(c, parts, 2);
    *line = text;
    return true;
}

static bool check_open(struct vdm_disclosure *d, struct vdm_line_rules *rules, uint64_t i,
                       struct vdm_bytes line, struct vdm_err *err)
{
    struct vdm_record_line l;
    if (!vdm_line_check(rules, line, &l, err))
        return false;
    if ((i == 0) != (l.field == VDM_FIELD_DOCUMENT))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "document is line 0 and nothing else is");
    if (i > 0)
        return true;
    d->has_document = true;
    if (!vdm_document_decode(l.value, &d->document, &d->document_size))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "document has a malformed value");
    return true;
}

bool vdm_disclosure_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_disclosure *out,
                           struct vdm_err *err)
{
    struct vdm_disclosure d = {.body = text};
    struct vdm_line_rules rules = {0};
    struct vdm_buf hashed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes whole, line = {0};
    uint64_t i = 0;
    if (text.n > VDM_NOTE_MAX || !vdm_take_literal(&d.body, MAGIC) ||
        !vdm_take_number(&d.body, "lines", &d.lines) || d.lines == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a disclosure");
    vdm_commitment_begin(&hashed, d.lines);
    for (struct vdm_bytes rest = d.body; rest.n; i++) {
        struct vdm_digest hash;
        bool open;
        if (!vdm_cut_line(&rest, &whole) || !decode_line(c, whole, i, &open, &line, &hash))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed line in a disclosure");
        if (open && !check_open(&d, &rules, i, line, err))
            return vdm_err_prefix(err, "disclosure");
        d.hidden += !open;
        vdm_buf_put(&hashed, vdm_digest_bytes(&hash));
    }
    if (i != d.lines)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a disclosure of another number of lines");
    if (!vdm_lines_end(&rules, err) || !vdm_buf_ok(&hashed, err))
        return vdm_err_prefix(err, "disclosure");
    d.commitment = vdm_sha256(c, vdm_buf_bytes(&hashed));
    *out = d;
    return true;
}

bool vdm_disclosure_next(struct vdm_bytes *rest, struct vdm_disclosed_line *out)
{
    struct vdm_bytes text, number, word, salt;
    if (!vdm_cut_line(rest, &text) || !vdm_cut(&text, ' ', &number) ||
        !vdm_number_decode(number, &out->i) || !vdm_cut(&text, ' ', &word))
        return false;
    out->open = vdm_bytes_equal_str(word, "open");
    struct vdm_bytes key;
    return !out->open ||
           (vdm_cut(&text, ' ', &salt) && vdm_cut(&text, ' ', &key) &&
            vdm_field_from_name(key, &out->line.field) && (out->line.value = text, true));
}

bool vdm_disclosure_append(struct vdm_buf *out, struct vdm_crypto *c, const struct vdm_record *r,
                           uint64_t shown, struct vdm_err *err)
{
    struct vdm_bytes rest = r->body;
    const uint8_t *at = rest.p;
    struct vdm_record_line l;
    char hex[65];
    size_t start = out->n;
    vdm_buf_puts(out, MAGIC);
    vdm_put_number(out, "lines", r->lines);
    for (uint64_t i = 0; vdm_record_next(&rest, &l); i++) {
        struct vdm_bytes line = {at, (size_t)(rest.p - at) - 1}; /* without its LF */
        at = rest.p;
        bool open = shown >> l.field & 1;
        struct vdm_digest d = vdm_record_salt(c, r->secret, i);
        if (!open) {
            struct vdm_bytes parts[] = {vdm_digest_bytes(&d), line};
            d = vdm_sha256_parts(c, parts, 2);
        }
        vdm_digest_hex(d, hex);
        vdm_buf_putf(out, "%llu %s %s", (unsigned long long)i, open ? "open" : "hidden", hex);
        if (open) {
            vdm_buf_putc(out, ' ');
            vdm_buf_put(out, line);
        }
        vdm_buf_putc(out, '\n');
    }
    if (!vdm_buf_ok(out, err))
        return false;
    if (out->n - start > VDM_NOTE_MAX) {
        out->n = start;
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the disclosure is larger than %d bytes",
                           VDM_NOTE_MAX);
    }
    return true;
}
