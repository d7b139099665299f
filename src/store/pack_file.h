/* SPDX-License-Identifier: MIT */
/* One pack: a plain ustar file with small documents (docs/FORMATS.md, "Packs"). A member is a header, the
 * document's bytes, and zeros up to the next 512; its name is the document's SHA-256 in hex, or
 * `withdrawn-<offset>` once it was erased. */
#ifndef VDM_STORE_PACK_FILE_H
#define VDM_STORE_PACK_FILE_H

#include "base/file.h"
#include "crypto/crypto.h"

#define VDM_PACK_BLOCK        512
#define VDM_PACK_DOCUMENT_MAX (((uint64_t)1 << 20) - 1)

struct vdm_pack_member {
    uint64_t offset; /* of its header */
    uint64_t size;   /* of the document */
    bool withdrawn;
    struct vdm_digest id; /* if it was not withdrawn */
};

enum vdm_pack_seen {
    VDM_PACK_MEMBER,
    VDM_PACK_BROKEN, /* no header, or a member that the pack does not hold to its end */
    VDM_PACK_END,
};

/* Bytes that a document takes in a pack. */
uint64_t vdm_pack_span(uint64_t size);

/* The first block from `at` on that is of no hole, where the file system tells; `length` if there is none. */
uint64_t vdm_pack_past_hole(int fd, uint64_t at, uint64_t length);

/* What the first bytes at `offset` of a pack of `length` bytes say; END if there is no room for a header. */
void vdm_pack_judge(struct vdm_bytes first, uint64_t offset, uint64_t length,
                    struct vdm_pack_member *m, enum vdm_pack_seen *seen);
/* The same, read. */
bool vdm_pack_look(int fd, uint64_t offset, uint64_t length, struct vdm_pack_member *m,
                   enum vdm_pack_seen *seen, struct vdm_err *err) VDM_MUST_CHECK;

/* Has it the bytes that its name says? `copy` takes VDM_COPY_BYTES. */
bool vdm_pack_good(int fd, const struct vdm_pack_member *m, struct vdm_hash *hash, uint8_t *copy,
                   bool *good, struct vdm_err *err) VDM_MUST_CHECK;

/* From `at` on, member by member. */
struct vdm_pack_scan {
    int fd;
    struct vdm_hash *hash;
    uint8_t *copy;
    uint64_t at, length;
    uint64_t hashed; /* bytes, since the damage that it is in began */
    /* Headers of small members are read with what is between them; NULL: each by itself. */
    uint8_t *window; /* VDM_PACK_WINDOW */
    uint64_t window_at;
    size_t window_n;
};
#define VDM_PACK_WINDOW ((size_t)32 << 10)
/* BROKEN: m->offset and m->size are the bytes up to the next member that is good (one after damage must
 * prove itself, since a document may hold what looks like a header), or up to the end: then s->at is
 * s->length. */
bool vdm_pack_next(struct vdm_pack_scan *s, struct vdm_pack_member *m, enum vdm_pack_seen *seen,
                   struct vdm_err *err) VDM_MUST_CHECK;

#define VDM_PACK_TOGETHER 32 /* members that are written in one call */
struct vdm_pack_new {
    struct vdm_digest id;
    struct vdm_bytes document;
};
/* Write up to VDM_PACK_TOGETHER members at the pack's end, which is `at`. What fails is cut off again. */
bool vdm_pack_append(int fd, uint64_t at, const struct vdm_pack_new *member, size_t n,
                     struct vdm_err *err) VDM_MUST_CHECK;

/* Overwrite the document with zeros, then its name; durable on return. May be repeated. */
bool vdm_pack_wipe(int fd, uint64_t offset, uint64_t size, struct vdm_err *err) VDM_MUST_CHECK;

#endif
