/* SPDX-License-Identifier: MIT */
/* The tar of a bundle: one form for each archive, so that what is not byte for byte what we write
 * is refused (docs/FORMATS.md, "Bundle"; POSIX.1-2017 pax, "ustar Interchange Format").
 *
 * Regular files only; no links, folders, extended headers, GNU long names or sparse maps. Nothing
 * is ever unpacked, and no path is opened by a name that stands in the tar. */
#ifndef VDM_BUNDLE_TAR_H
#define VDM_BUNDLE_TAR_H

#include "bundle/stream.h"

#define VDM_TAR_BLOCK      512
#define VDM_TAR_NAME_MAX   100                       /* bytes of a name, the top folder included */
#define VDM_TAR_FOLDER_MAX 17                        /* bytes of the top folder's name */
#define VDM_TAR_OCTAL_MAX  ((UINT64_C(1) << 33) - 1) /* eleven octal digits */

/* `[A-Za-z0-9][A-Za-z0-9._-]{0,16}` */
bool vdm_tar_folder_valid(struct vdm_bytes folder);

/* --- one header --- */

struct vdm_tar_member {
    char name[VDM_TAR_NAME_MAX + 1]; /* whole: `<folder>/<path>`, NUL-terminated */
    uint64_t size;                   /* bytes of content, at most VDM_NUMBER_MAX */
    uint64_t mtime;                  /* seconds since 1970, at most VDM_TAR_OCTAL_MAX */
};

/* Names: a valid top folder, then at least one part; parts of `[A-Za-z0-9._-]`, single slashes
 * between them, none of them `.` or `..`; at most 100 bytes together. Sizes from 8 GiB up are GNU
 * base-256. Fails as VDM_ERR_REFUSED where name, size or mtime have no form. */
bool vdm_tar_header_encode(const struct vdm_tar_member *m, uint8_t out[VDM_TAR_BLOCK],
                           struct vdm_err *err) VDM_MUST_CHECK;
/* Takes exactly what encode gives. Otherwise false, and *reason is a constant phrase that names the
 * first field at fault. A block of zeros is no header. */
bool vdm_tar_header_decode(const uint8_t block[VDM_TAR_BLOCK], struct vdm_tar_member *out,
                           const char **reason) VDM_MUST_CHECK;

/* --- writing --- */

/* begin write* end, for each member; then finish. Any other order, and content that is not as long
 * as announced, is VDM_ERR_REFUSED; after a failure nothing more can be written. */
struct vdm_tar_writer {
    struct vdm_stream_writer *out; /* borrowed */
    char folder[VDM_TAR_FOLDER_MAX + 1];
    uint64_t mtime;
    uint64_t left;    /* content that is still to come */
    uint64_t bytes;   /* written so far, headers and padding included */
    unsigned padding; /* zeros after the content */
    int state;        /* tar_writer.c alone */
};

/* Every member stands in `folder` and has the one mtime. */
bool vdm_tar_writer_init(struct vdm_tar_writer *w, struct vdm_stream_writer *out,
                         const char *folder, uint64_t mtime, struct vdm_err *err) VDM_MUST_CHECK;
/* `path` is below the folder. */
bool vdm_tar_writer_begin(struct vdm_tar_writer *w, const char *path, uint64_t size,
                          struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_tar_writer_write(struct vdm_tar_writer *w, struct vdm_bytes data,
                          struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_tar_writer_end(struct vdm_tar_writer *w, struct vdm_err *err) VDM_MUST_CHECK;
/* A member whose bytes are at hand: begin, write, end. */
bool vdm_tar_writer_add(struct vdm_tar_writer *w, const char *path, struct vdm_bytes data,
                        struct vdm_err *err) VDM_MUST_CHECK;
/* The two zero blocks. Does not finish the stream. */
bool vdm_tar_writer_finish(struct vdm_tar_writer *w, struct vdm_err *err) VDM_MUST_CHECK;

/* --- reading --- */

/* What was seen. All but OK are final. */
enum vdm_tar_status {
    VDM_TAR_OK,        /* next: there is a member; read: its content so far is there */
    VDM_TAR_END,       /* two zero blocks, then a clean end of the stream */
    VDM_TAR_CUT_OFF,   /* the input ended before that */
    VDM_TAR_MALFORMED, /* something else than what we write, or something after it */
    VDM_TAR_DAMAGED,   /* the compression does not decode */
};

#define VDM_TAR_BEGIN 32

/* One pass, in constant memory. Read-only for the caller; `offset` and `reason` say where and what,
 * once the status is neither OK nor END. */
struct vdm_tar_reader {
    struct vdm_stream_reader *in; /* borrowed */
    enum vdm_tar_status status;
    uint64_t offset;                     /* bytes into the decompressed tar */
    const char *reason;                  /* constant text */
    char folder[VDM_TAR_FOLDER_MAX + 1]; /* of the first member; empty before it */
    uint64_t left;                       /* content of the current member that is still unread */
    unsigned padding;
    /* What the tar begins with, also where that reads as no header: enough for the first name. */
    uint8_t begin[VDM_TAR_BEGIN];
    size_t begin_n;
    bool foreign; /* its first header is right as such (its checksum is), but not of our form */
};

void vdm_tar_reader_init(struct vdm_tar_reader *r, struct vdm_stream_reader *in);
/* Goes on to the next member; content that was not read is passed over, padding must be zero, the
 * folder the one of the first member. *m is set when *status is OK. Whether names repeat or stand
 * in order is not looked at here. false: the descriptor could not be read, or no memory. */
bool vdm_tar_reader_next(struct vdm_tar_reader *r, enum vdm_tar_status *status,
                         struct vdm_tar_member *m, struct vdm_err *err) VDM_MUST_CHECK;
/* Content of the current member, as much as cap (at least 1) takes; *got == 0 with OK: that was
 * all. *got < cap only at the end of the content or of everything. */
bool vdm_tar_reader_read(struct vdm_tar_reader *r, uint8_t *p, size_t cap, size_t *got,
                         enum vdm_tar_status *status, struct vdm_err *err) VDM_MUST_CHECK;

/* The part of a member's name below its top folder. */
const char *vdm_tar_path(const struct vdm_tar_member *m);

#endif
