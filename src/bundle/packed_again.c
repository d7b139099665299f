/* SPDX-License-Identifier: MIT */
#include "bundle/packed_again.h"

#include "format/ustar.h"

#include <string.h>

#define MEMBERS_MAX 65536
#define BYTES_MAX   (UINT64_C(1) << 30) /* documents may stand before what is looked for */

static const char wanted[] = "vidimus/checkpoint";

/* Below whatever folders. */
static bool is_wanted(const char *name)
{
    size_t n = strlen(name), end = sizeof wanted - 1;
    return n >= end && strcmp(name + n - end, wanted) == 0 &&
           (n == end || name[n - end - 1] == '/');
}

static bool read_whole(struct vdm_stream_reader *in, uint8_t *p, size_t n)
{
    enum vdm_stream_state state;
    size_t got = 0;
    return vdm_stream_read(in, p, n, &got, &state, NULL) && got == n;
}

static bool pass(struct vdm_stream_reader *in, uint64_t n)
{
    uint8_t drop[4096];
    while (n > 0) {
        size_t piece = n < sizeof drop ? (size_t)n : sizeof drop;
        if (!read_whole(in, drop, piece))
            return false;
        n -= piece;
    }
    return true;
}

bool vdm_packed_again(struct vdm_stream_reader *in)
{
    uint8_t block[VDM_USTAR_BLOCK];
    struct vdm_ustar h;
    for (size_t i = 0; i < MEMBERS_MAX && read_whole(in, block, sizeof block); i++) {
        if (!vdm_ustar_checksum_right(block))
            return false;
        (void)vdm_ustar_decode(block, 0, &h); /* in whatever form: name and size are there */
        if (is_wanted(h.name))
            return true;
        uint64_t room = BYTES_MAX - vdm_stream_bytes(in);
        if (vdm_stream_bytes(in) >= BYTES_MAX || h.size > room ||
            !pass(in, h.size + (-h.size % VDM_USTAR_BLOCK)))
            return false;
    }
    return false;
}
