/* SPDX-License-Identifier: MIT */
/* The bytes of a table from any offset on, buffered, with the line they are in. */
#ifndef VDM_CAPTURE_INPUT_H
#define VDM_CAPTURE_INPUT_H

#include "base/buf.h"

struct vdm_input {
    int fd;          /* borrowed; must be seekable */
    uint64_t offset; /* of the next byte */
    uint64_t line;   /* of the next byte, from 1: LFs before it, and one */
    uint8_t *p;      /* buffer of VDM_INPUT_BYTES, which begins at `start` in the file */
    uint64_t start;
    size_t n;
    int error; /* errno of a read that failed; it looks like the end until asked */
};

#define VDM_INPUT_END (-1)

bool vdm_input_init(struct vdm_input *in, int fd, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_input_release(struct vdm_input *in); /* a zeroed one is fine */
/* Bytes that are in the buffer are not read again. */
void vdm_input_seek(struct vdm_input *in, uint64_t offset, uint64_t line);
/* Byte at hand, or VDM_INPUT_END. */
int vdm_input_peek(struct vdm_input *in);
int vdm_input_take(struct vdm_input *in);
/* Was that the end, or did a read fail? */
bool vdm_input_ok(const struct vdm_input *in, struct vdm_err *err) VDM_MUST_CHECK;

/* One line without its LF, of at most `limit` bytes; the last one may lack the LF. *more is false
 * at the end. */
bool vdm_input_line(struct vdm_input *in, size_t limit, struct vdm_buf *out, bool *more,
                    struct vdm_err *err) VDM_MUST_CHECK;

#endif
