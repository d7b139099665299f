/* SPDX-License-Identifier: MIT */
#include "format/proof.h"

#include "base/text.h"
#include "format/value.h"

#define MAGIC "c2sp.org/tlog-proof@v1\n"

/* Hash lines up to the blank one. */
static bool take_hashes(struct vdm_bytes *rest, struct vdm_digest *hash, size_t *n)
{
    struct vdm_bytes line;
    *n = 0;
    for (;;) {
        if (!vdm_cut_line(rest, &line))
            return false;
        if (line.n == 0)
            return true;
        if (*n == VDM_PROOF_HASHES_MAX || !vdm_digest_from_base64(line, &hash[*n]))
            return false;
        ++*n;
    }
}

static void put_hashes(struct vdm_buf *out, const struct vdm_digest *hash, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        vdm_base64_append(out, vdm_digest_bytes(&hash[i]));
        vdm_buf_putc(out, '\n');
    }
    vdm_buf_putc(out, '\n');
}

bool vdm_inclusion_proof_decode(struct vdm_bytes text, struct vdm_inclusion_proof *out,
                                struct vdm_err *err)
{
    struct vdm_bytes rest = text;
    struct vdm_inclusion_proof p = {.extra = {NULL, 0}};
    if (text.n > VDM_NOTE_MAX || !vdm_take_literal(&rest, MAGIC))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a tlog-proof");
    if (vdm_take_field(&rest, "extra", &p.extra) && !vdm_base64_valid(p.extra))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "tlog-proof: extra is not base64");
    if (!vdm_take_number(&rest, "index", &p.index) || !take_hashes(&rest, p.hash, &p.hashes) ||
        rest.n == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed tlog-proof");
    p.checkpoint = rest;
    *out = p;
    return true;
}

void vdm_inclusion_proof_append(struct vdm_buf *out, const struct vdm_inclusion_proof *p)
{
    vdm_buf_puts(out, MAGIC);
    if (p->extra.n)
        vdm_put_field(out, "extra", p->extra);
    vdm_put_number(out, "index", p->index);
    put_hashes(out, p->hash, p->hashes);
    vdm_buf_put(out, p->checkpoint);
}

bool vdm_consistency_proof_decode(struct vdm_bytes text, struct vdm_consistency_proof *out,
                                  struct vdm_err *err)
{
    struct vdm_bytes rest = text;
    struct vdm_consistency_proof p = {.old_size = 0};
    if (text.n > VDM_NOTE_MAX || !vdm_take_number(&rest, "old", &p.old_size) ||
        !take_hashes(&rest, p.hash, &p.hashes) || rest.n == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed consistency proof");
    p.checkpoint = rest;
    *out = p;
    return true;
}

void vdm_consistency_proof_append(struct vdm_buf *out, const struct vdm_consistency_proof *p)
{
    vdm_put_number(out, "old", p->old_size);
    put_hashes(out, p->hash, p->hashes);
    vdm_buf_put(out, p->checkpoint);
}
