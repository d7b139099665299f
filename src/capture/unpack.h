/* SPDX-License-Identifier: MIT */
/* The entries of a tar or a zip, one after another, by libarchive with these formats alone. In the worker.
 *
 * A tar may be plain or in one layer of gzip, bzip2, xz or zstd: what partners send. Everything else that
 * libarchive could read is left off: each reader is code for strangers to attack. Nothing is written anywhere; a name
 * is bytes to us. */
#ifndef VDM_CAPTURE_UNPACK_H
#define VDM_CAPTURE_UNPACK_H

#include "capture/container.h"

enum vdm_unpack_kind { VDM_UNPACK_TAR, VDM_UNPACK_ZIP };

/* Before a worker is started, in its parent: what libarchive and libc would open later. Sets the process's
 * zone to UTC and its characters to UTF-8. */
void vdm_unpack_prepare(void);

struct vdm_unpack;
/* Reads `s` from its start. NULL: without memory, or it is none. */
struct vdm_unpack *vdm_unpack_open(struct vdm_span *s, enum vdm_unpack_kind kind);
void vdm_unpack_close(struct vdm_unpack *u); /* NULL is fine */
void vdm_unpack_cleanup(struct vdm_unpack **u);

enum vdm_unpack_step {
    VDM_UNPACK_ENTRY,
    VDM_UNPACK_END,
    VDM_UNPACK_BROKEN, /* nothing further can be read; vdm_unpack_why says why */
};
/* Borrowed until the next step. */
struct vdm_unpack_entry {
    struct vdm_bytes name; /* as it stands there */
    bool folder;
    const char *refused; /* it is neither file nor folder: why it is not taken */
    uint64_t size;       /* as stated; UINT64_MAX: not */
    char modified
        [40]; /* "2019-11-28T10:00:00Z"; of a zip without `Z`: its zone is not stated. "": not known */
};
enum vdm_unpack_step vdm_unpack_next(struct vdm_unpack *u);
const struct vdm_unpack_entry *vdm_unpack_entry(const struct vdm_unpack *u);

/* The next bytes of the entry, holes of a sparse file as zeros; empty at its end. false: the rest of it cannot
 * be read, vdm_unpack_why says why. */
bool vdm_unpack_read(struct vdm_unpack *u, struct vdm_bytes *piece);
/* May the data be passed over without reading it? Then the next step does. */
bool vdm_unpack_skips(const struct vdm_unpack *u);
/* Before the first read: where the data of the entry begin in the container, if they are stored there as they
 * are. */
bool vdm_unpack_stored(const struct vdm_unpack *u, uint64_t *offset);
/* After the last: has libarchive taken just these bytes of the container for it? */
bool vdm_unpack_took(const struct vdm_unpack *u, uint64_t from, uint64_t bytes);
const char *vdm_unpack_why(const struct vdm_unpack *u);

#endif
