/* SPDX-License-Identifier: MIT */
#include "format/fingerprint.h"

#include "base/text.h"
#include "format/value.h"

#define NAME VDM_FINGERPRINT_NAME ": "

void vdm_fingerprint_append(struct vdm_buf *out, const struct vdm_fingerprint *f)
{
    vdm_buf_puts(out, NAME);
    vdm_digest_append(out, f->text);
    vdm_buf_putc(out, ' ');
    vdm_buf_putn(out, f->bytes);
    vdm_buf_putc(out, ' ');
    vdm_buf_put(out, f->extractor);
}

bool vdm_fingerprint_named(struct vdm_bytes field)
{
    return vdm_bytes_start_with(field, VDM_LIT(VDM_FINGERPRINT_NAME ":"));
}

/* Printable ASCII words with one space between two. */
static bool is_extractor(struct vdm_bytes s)
{
    uint8_t before = ' ';
    if (s.n > VDM_EXTRACTOR_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c < ' ' || c > '~' || c == '\\' || (c == ' ' && before == ' '))
            return false;
        before = c;
    }
    return before != ' ';
}

bool vdm_fingerprint_decode(struct vdm_bytes field, struct vdm_fingerprint *out)
{
    struct vdm_bytes rest = field, digest, bytes;
    if (!vdm_bytes_start_with(field, VDM_LIT(NAME "sha256:")))
        return false;
    rest = vdm_bytes_skip(field, sizeof NAME "sha256:" - 1);
    if (!vdm_cut(&rest, ' ', &digest) || !vdm_cut(&rest, ' ', &bytes) ||
        !vdm_digest_from_hex(digest, &out->text) || !vdm_number_decode(bytes, &out->bytes))
        return false;
    out->extractor = rest;
    return is_extractor(rest);
}

bool vdm_record_fingerprint(const struct vdm_record *r, struct vdm_fingerprint *out)
{
    struct vdm_bytes v;
    size_t found = 0;
    for (size_t k = 0; (v = vdm_record_value(r, VDM_FIELD_FIELD, k)).n; k++) {
        if (!vdm_fingerprint_named(v))
            continue;
        if (!vdm_fingerprint_decode(v, out))
            return false;
        found++;
    }
    return found == 1;
}
