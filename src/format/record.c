/* SPDX-License-Identifier: MIT */
#include "format/record.h"

#include "base/text.h"
#include "format/value.h"

#include <string.h>

#define MAGIC   "vidimus/record/v1\n"

#define NAME(s) s, sizeof(s) - 1

static const struct {
    const char *name;
    size_t length;
    bool repeats;
} fields[VDM_FIELDS] = {
    [VDM_FIELD_DOCUMENT] = {NAME("document"), false},
    [VDM_FIELD_FOLLOWS] = {NAME("follows"), false},
    [VDM_FIELD_COLLECTION] = {NAME("collection"), false},
    [VDM_FIELD_FILE_NAME] = {NAME("file-name"), false},
    [VDM_FIELD_MEDIA_TYPE] = {NAME("media-type"), false},
    [VDM_FIELD_SOURCE] = {NAME("source"), false},
    [VDM_FIELD_CAPTURED] = {NAME("captured"), false},
    [VDM_FIELD_CAPTURED_BY] = {NAME("captured-by"), false},
    [VDM_FIELD_METHOD] = {NAME("method"), false},
    [VDM_FIELD_RECEIVED_FROM] = {NAME("received-from"), true},
    [VDM_FIELD_RECORD_ID] = {NAME("record-id"), true},
    [VDM_FIELD_DERIVED_FROM] = {NAME("derived-from"), true},
    [VDM_FIELD_TITLE] = {NAME("title"), false},
    [VDM_FIELD_AUTHOR] = {NAME("author"), true},
    [VDM_FIELD_ISSUER] = {NAME("issuer"), true},
    [VDM_FIELD_PUBLISHER] = {NAME("publisher"), true},
    [VDM_FIELD_ISSUED] = {NAME("issued"), false},
    [VDM_FIELD_ISSUED_AS_WRITTEN] = {NAME("issued-as-written"), true},
    [VDM_FIELD_REFERENCE] = {NAME("reference"), true},
    [VDM_FIELD_LANGUAGE] = {NAME("language"), true},
    [VDM_FIELD_RIGHTS] = {NAME("rights"), true},
    [VDM_FIELD_UNKNOWN] = {NAME("unknown"), true},
    [VDM_FIELD_INFERRED] = {NAME("inferred"), true},
    [VDM_FIELD_NOTE] = {NAME("note"), true},
    [VDM_FIELD_HEADER] = {NAME("header"), true},
    [VDM_FIELD_FIELD] = {NAME("field"), true},
};

const char *vdm_field_name(enum vdm_field f)
{
    return fields[f].name;
}

bool vdm_field_repeats(enum vdm_field f)
{
    return fields[f].repeats;
}

bool vdm_field_from_name(struct vdm_bytes name, enum vdm_field *out)
{
    for (int f = 0; f < VDM_FIELDS; f++)
        if (name.n == fields[f].length && memcmp(name.p, fields[f].name, name.n) == 0) {
            *out = (enum vdm_field)f;
            return true;
        }
    return false;
}

bool vdm_fields_decode(struct vdm_bytes list, uint64_t *out, struct vdm_err *err)
{
    struct vdm_bytes item;
    *out = 0;
    for (bool more = true; more;) {
        enum vdm_field f;
        more = vdm_cut(&list, ',', &item);
        struct vdm_bytes name = more ? item : list;
        if (!vdm_field_from_name(name, &f))
            return vdm_fail_as(err, VDM_ERR_REFUSED, "no field of a record: %.*s", (int)name.n,
                               (const char *)name.p);
        *out |= UINT64_C(1) << f;
    }
    return true;
}

bool vdm_document_decode(struct vdm_bytes value, struct vdm_digest *digest, uint64_t *size)
{
    struct vdm_bytes hex;
    return vdm_cut(&value, ' ', &hex) && vdm_digest_decode(hex, digest) &&
           vdm_number_decode(value, size);
}

/* --- the values of some fields. No value ends in a space, so something follows each one here. --- */

/* `sha256:<hex>|not-held <offset|-> <length|-> <method>`, both `-` or both numbers. */
static bool derived_from_valid(struct vdm_bytes value)
{
    struct vdm_bytes from, offset, length;
    struct vdm_digest digest;
    uint64_t number;
    if (!vdm_cut(&value, ' ', &from) || !vdm_cut(&value, ' ', &offset) ||
        !vdm_cut(&value, ' ', &length))
        return false;
    if (!vdm_bytes_equal_str(from, "not-held") && !vdm_digest_decode(from, &digest))
        return false;
    bool whole = vdm_bytes_equal_str(offset, "-") && vdm_bytes_equal_str(length, "-");
    return whole || (vdm_number_decode(offset, &number) && vdm_number_decode(length, &number));
}

bool vdm_slice_decode(struct vdm_bytes value, struct vdm_slice *out)
{
    struct vdm_bytes from, offset, length;
    return vdm_cut(&value, ' ', &from) && vdm_cut(&value, ' ', &offset) &&
           vdm_cut(&value, ' ', &length) && vdm_digest_decode(from, &out->of) &&
           vdm_number_decode(offset, &out->offset) && vdm_number_decode(length, &out->length) &&
           (vdm_bytes_equal_str(value, "slice") || vdm_bytes_start_with(value, VDM_LIT("slice: ")));
}

/* `<name>: <value>` */
static bool named_value_valid(struct vdm_bytes value)
{
    struct vdm_bytes name;
    return vdm_cut(&value, ':', &name) && name.n > 0 && vdm_bytes_start_with(value, VDM_LIT(" "));
}

static bool names_a_field(struct vdm_bytes name, uint64_t *named)
{
    enum vdm_field f;
    if (!vdm_field_from_name(name, &f) || f == VDM_FIELD_DOCUMENT)
        return false;
    *named |= UINT64_C(1) << f;
    return true;
}

/* `<key> <value>` */
static bool inferred_valid(struct vdm_bytes value, uint64_t *named)
{
    struct vdm_bytes name;
    return vdm_cut(&value, ' ', &name) && names_a_field(name, named);
}

static bool field_value_valid(struct vdm_line_rules *rules, enum vdm_field f,
                              struct vdm_bytes value)
{
    uint64_t number;
    if (!vdm_value_valid(value))
        return false;
    if (f == VDM_FIELD_FOLLOWS)
        return vdm_number_decode(value, &number);
    if (f == VDM_FIELD_DERIVED_FROM)
        return derived_from_valid(value);
    if (f == VDM_FIELD_UNKNOWN)
        return names_a_field(value, &rules->named);
    if (f == VDM_FIELD_INFERRED)
        return inferred_valid(value, &rules->named);
    if (f == VDM_FIELD_HEADER || f == VDM_FIELD_FIELD)
        return named_value_valid(value);
    return true;
}

bool vdm_line_check(struct vdm_line_rules *rules, struct vdm_bytes line,
                    struct vdm_record_line *out, struct vdm_err *err)
{
    struct vdm_bytes value = line, key;
    enum vdm_field f;
    if (!vdm_cut(&value, ' ', &key) || !vdm_field_from_name(key, &f))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a record line of no known key");
    if ((int)f + 1 < rules->last || ((int)f + 1 == rules->last && !fields[f].repeats))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%s is repeated or out of order",
                           fields[f].name);
    if (!field_value_valid(rules, f, value))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%s has a malformed value", fields[f].name);
    rules->last = (int)f + 1;
    rules->own |= UINT64_C(1) << f;
    *out = (struct vdm_record_line){f, value};
    return true;
}

bool vdm_lines_end(const struct vdm_line_rules *rules, struct vdm_err *err)
{
    for (int f = 0; f < VDM_FIELDS; f++)
        if (rules->own & rules->named & UINT64_C(1) << f)
            return vdm_fail_as(err, VDM_ERR_MALFORMED,
                               "%s has a line and is called unknown or inferred", fields[f].name);
    return true;
}

static bool take_secret(struct vdm_bytes *rest, uint8_t secret[32])
{
    struct vdm_bytes value;
    return vdm_take_literal(rest, MAGIC) && vdm_take_field(rest, "secret", &value) &&
           vdm_hex_decode(value, secret, 32);
}

static bool take_document(const struct vdm_record_line *line, struct vdm_record *r)
{
    if (line->field != VDM_FIELD_DOCUMENT)
        return false;
    return vdm_document_decode(line->value, &r->document, &r->document_size);
}

bool vdm_record_decode(struct vdm_bytes text, struct vdm_record *out, struct vdm_err *err)
{
    struct vdm_record r = {.body = text};
    struct vdm_line_rules rules = {0};
    struct vdm_record_line l;
    struct vdm_bytes line;
    if (text.n > VDM_NOTE_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a record of more than %d bytes", VDM_NOTE_MAX);
    if (!take_secret(&r.body, r.secret))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a record");
    for (struct vdm_bytes rest = r.body; rest.n; r.lines++) {
        if (!vdm_cut_line(&rest, &line))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "a record's last line has no end");
        if (!vdm_line_check(&rules, line, &l, err))
            return false;
        if (r.lines == 0 && !take_document(&l, &r))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "a record does not begin with document");
    }
    if (r.lines == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a record without document");
    if (!vdm_lines_end(&rules, err))
        return false;
    *out = r;
    return true;
}

bool vdm_record_next(struct vdm_bytes *rest, struct vdm_record_line *out)
{
    struct vdm_bytes value, key;
    if (!vdm_cut_line(rest, &value))
        return false;
    return vdm_cut(&value, ' ', &key) && vdm_field_from_name(key, &out->field) &&
           (out->value = value, true);
}

struct vdm_bytes vdm_record_value(const struct vdm_record *r, enum vdm_field f, size_t k)
{
    struct vdm_bytes rest = r->body;
    struct vdm_record_line l;
    /* Lines stand in the order of the fields. */
    while (vdm_record_next(&rest, &l) && l.field <= f)
        if (l.field == f && k-- == 0)
            return l.value;
    return (struct vdm_bytes){NULL, 0};
}

/* Lines stand in the order of the fields, so both records are walked side by side. */
uint64_t vdm_record_differences(const struct vdm_record *a, const struct vdm_record *b)
{
    struct vdm_bytes rest_a = a->body, rest_b = b->body;
    struct vdm_record_line x, y;
    bool has_a = vdm_record_next(&rest_a, &x), has_b = vdm_record_next(&rest_b, &y);
    uint64_t differ = 0;
    while (has_a || has_b) {
        bool take_a = has_a && (!has_b || x.field <= y.field);
        bool take_b = has_b && (!has_a || y.field <= x.field);
        if (!take_a || !take_b || !vdm_bytes_equal(x.value, y.value))
            differ |= UINT64_C(1) << (take_a ? x.field : y.field);
        has_a = take_a ? vdm_record_next(&rest_a, &x) : has_a;
        has_b = take_b ? vdm_record_next(&rest_b, &y) : has_b;
    }
    return differ;
}

static void put_line(struct vdm_buf *out, const struct vdm_record_line *line)
{
    vdm_buf_puts(out, fields[line->field].name);
    vdm_buf_putc(out, ' ');
    vdm_value_append(out, line->value);
    vdm_buf_putc(out, '\n');
}

/* A derived-from's method may need escapes; its other parts never do, so escaping the whole is
 * right. The same holds for inferred, header and field. */
bool vdm_record_append(struct vdm_buf *out, const uint8_t secret[32], struct vdm_digest document,
                       uint64_t document_size, const struct vdm_record_line *line, size_t lines,
                       struct vdm_record *written, struct vdm_err *err)
{
    size_t start = out->n;
    char hex[65];
    for (size_t i = 0; i < lines; i++)
        if (line[i].field == VDM_FIELD_DOCUMENT)
            return vdm_fail_as(err, VDM_ERR_USAGE, "document is given twice");
    vdm_hex_encode(secret, 32, hex);
    vdm_buf_puts(out, MAGIC "secret ");
    vdm_buf_puts(out, hex);
    vdm_buf_puts(out, "\ndocument ");
    vdm_digest_append(out, document);
    vdm_buf_putc(out, ' ');
    vdm_buf_putn(out, document_size);
    vdm_buf_putc(out, '\n');
    for (int f = VDM_FIELD_DOCUMENT + 1; f < VDM_FIELDS; f++)
        for (size_t i = 0; i < lines; i++)
            if ((int)line[i].field == f)
                put_line(out, &line[i]);
    struct vdm_record r;
    struct vdm_bytes text = vdm_bytes_skip(vdm_buf_bytes(out), start);
    if (!vdm_buf_ok(out, err))
        return false;
    if (!vdm_record_decode(text, &r, err)) {
        out->n = start;
        return false;
    }
    if (written)
        *written = r;
    return true;
}

static void put_u64be(uint8_t *p, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        p[i] = (uint8_t)v;
}

struct vdm_digest vdm_record_salt(struct vdm_crypto *c, const uint8_t secret[32], uint64_t i)
{
    uint8_t number[8];
    put_u64be(number, i);
    struct vdm_bytes parts[] = {{secret, 32}, {number, sizeof number}};
    return vdm_sha256_parts(c, parts, 2);
}

void vdm_commitment_begin(struct vdm_buf *hashed, uint64_t lines)
{
    uint8_t number[8];
    put_u64be(number, lines);
    vdm_buf_puts(hashed, MAGIC);
    vdm_buf_put(hashed, (struct vdm_bytes){number, sizeof number});
}

bool vdm_record_commit(struct vdm_crypto *c, const struct vdm_record *r, struct vdm_digest *out,
                       struct vdm_err *err)
{
    struct vdm_buf hashed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = r->body, line;
    vdm_commitment_begin(&hashed, r->lines);
    for (uint64_t i = 0; vdm_cut_line(&rest, &line); i++) {
        struct vdm_digest salt = vdm_record_salt(c, r->secret, i);
        struct vdm_bytes parts[] = {vdm_digest_bytes(&salt), line};
        struct vdm_digest h = vdm_sha256_parts(c, parts, 2);
        vdm_buf_put(&hashed, vdm_digest_bytes(&h));
    }
    if (!vdm_buf_ok(&hashed, err))
        return false;
    *out = vdm_sha256(c, vdm_buf_bytes(&hashed));
    return true;
}
