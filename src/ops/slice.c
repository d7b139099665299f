/* SPDX-License-Identifier: MIT */
#include "ops/slice.h"

bool vdm_slice_hash(struct vdm_crypto *c, vdm_read_fn *read, void *ctx, uint64_t length,
                    struct vdm_digest *digest, bool *whole, struct vdm_err *err)
{
    struct vdm_hash *h VDM_CLEANUP(vdm_hash_cleanup) = NULL;
    uint8_t piece[VDM_COPY_BYTES];
    size_t got = 1;
    if (!vdm_hash_open(&h, c, err))
        return false;
    while (length > 0 && got > 0) {
        if (!read(ctx, piece, length < sizeof piece ? (size_t)length : sizeof piece, &got, err))
            return false;
        vdm_hash_update(h, (struct vdm_bytes){piece, got});
        length -= got;
    }
    *digest = vdm_hash_end(h);
    *whole = length == 0;
    return true;
}

void vdm_slice_differs(struct vdm_report *report, uint64_t n, const struct vdm_slice *s,
                       const char *why)
{
    char hex[65];
    vdm_digest_hex(s->of, hex);
    vdm_report_add(
        report, (struct vdm_seen){.kind = VDM_SLICE_MISMATCH, .entry = n, .document = hex},
        "its record says that its document is %llu bytes of another, from byte %llu on: %s",
        (unsigned long long)s->length, (unsigned long long)s->offset, why);
}
