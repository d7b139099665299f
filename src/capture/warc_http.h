/* SPDX-License-Identifier: MIT */
/* A body in chunks (RFC 9112, section 7.1), taken apart piece by piece. */
#ifndef VDM_CAPTURE_WARC_HTTP_H
#define VDM_CAPTURE_WARC_HTTP_H

#include "base/buf.h"

enum vdm_chunk_state {
    VDM_CHUNK_SIZE,  /* a line with a size is being read */
    VDM_CHUNK_DATA,  /* `left` bytes of the chunk are to come */
    VDM_CHUNK_AFTER, /* the line end behind a chunk */
    VDM_CHUNK_TAIL,  /* lines behind the last chunk */
    VDM_CHUNK_END,   /* the body has ended; more is not looked at */
    VDM_CHUNK_RAW,   /* it never was in chunks: all is taken as it stands */
    VDM_CHUNK_BROKEN,
};

/* Zero-initialise. */
struct vdm_chunks {
    enum vdm_chunk_state state;
    bool begun; /* a first size was read */
    uint64_t left;
    size_t n; /* of line */
    uint8_t line[256];
};

typedef void vdm_chunk_fn(void *ctx, struct vdm_bytes data);
/* `give` gets the data of the chunks. Where the first line is no size, what came so far and all that comes is
 * given as it stands. */
void vdm_chunks_take(struct vdm_chunks *c, struct vdm_bytes in, vdm_chunk_fn *give, void *ctx);

#endif
