/* SPDX-License-Identifier: MIT */
/* libarchive does not compare the checksum of a gzip member, and of the other layers it does so when what they protect is
 * handed out already. */
#include "capture/packed.h"
#include "capture/warc_unpack.h"

#include <string.h>

static enum vdm_layer unpack(struct vdm_unpack *u, uint64_t most)
{
    enum vdm_unpack_kind kind;
    uint64_t at;
    struct vdm_bytes b = {NULL, 1};
    while (b.n && vdm_unpack_at(u) <= most) {
        b = vdm_unpack_look(u, 1);
        vdm_unpack_take(u, b.n);
    }
    if (!vdm_unpack_trouble(u, &at, &kind) || kind == VDM_UNPACK_FOREIGN)
        return VDM_LAYER_WHOLE;
    return kind == VDM_UNPACK_CUT ? VDM_LAYER_CUT : VDM_LAYER_DAMAGED;
}

/* bzip2 and xz: which it is, libarchive only says in words. */
static enum vdm_layer read_raw(struct vdm_span *s, uint64_t most)
{
    struct vdm_packed *u VDM_CLEANUP(vdm_packed_cleanup) = vdm_packed_open(s, VDM_PACKED_LAYER);
    struct vdm_bytes piece = {NULL, 1};
    bool ok = u && vdm_packed_next(u) == VDM_PACKED_ENTRY;
    for (uint64_t bytes = 0; ok && piece.n && bytes <= most; bytes += piece.n)
        ok = vdm_packed_read(u, &piece);
    if (ok || !u)
        return VDM_LAYER_WHOLE;
    return strcasestr(vdm_packed_why(u), "truncated") ? VDM_LAYER_CUT : VDM_LAYER_DAMAGED;
}

enum vdm_layer vdm_packed_layer(struct vdm_span *s, uint64_t most)
{
    vdm_span_seek(s, s->start);
    struct vdm_unpack *u = vdm_unpack_open(s);
    enum vdm_layer found = VDM_LAYER_WHOLE;
    if (u && vdm_unpack_form(u) != VDM_UNPACK_PLAIN)
        found = unpack(u, most);
    else if (u)
        found = read_raw(s, most);
    vdm_unpack_close(u);
    return found;
}
