/* SPDX-License-Identifier: MIT */
/* The entries of a tar or a zip, one after another, by libarchive with these formats alone. In the worker.
 *
 * A tar may be plain or in one layer of gzip, bzip2, xz or zstd: what partners send. Several tars may stand one behind
 * the other, in one layer each or in one for all. Everything else that
 * libarchive could read is left off: each reader is code for strangers to attack. Nothing is written anywhere; a name
 * is bytes to us. */
#ifndef VDM_CAPTURE_PACKED_H
#define VDM_CAPTURE_PACKED_H

#include "capture/container.h"

enum vdm_packed_kind {
    VDM_PACKED_TAR,
    VDM_PACKED_ZIP,
    VDM_PACKED_LAYER, /* what is in a layer, as one entry, whatever it is */
};

/* Before a worker is started, in its parent: what libarchive, libc and jansson would open later. Sets the process's
 * zone to UTC and its characters to UTF-8. */
void vdm_packed_prepare(void);

struct vdm_packed;
/* Reads `s` from its start. NULL: without memory, or it is none. */
struct vdm_packed *vdm_packed_open(struct vdm_span *s, enum vdm_packed_kind kind);
void vdm_packed_close(struct vdm_packed *u); /* NULL is fine */
void vdm_packed_cleanup(struct vdm_packed **u);

enum vdm_packed_step {
    VDM_PACKED_ENTRY,
    VDM_PACKED_END,
    VDM_PACKED_BROKEN, /* nothing further can be read; vdm_packed_why says why */
};
/* Borrowed until the next step. */
struct vdm_packed_entry {
    struct vdm_bytes name; /* as it stands there */
    bool folder;
    const char *refused; /* it is neither file nor folder: why it is not taken */
    uint64_t size;       /* as stated; UINT64_MAX: not */
    char modified
        [40]; /* "2019-11-28T10:00:00Z"; of a zip without `Z`: its zone is not stated. "": not known */
};
enum vdm_packed_step vdm_packed_next(struct vdm_packed *u);
const struct vdm_packed_entry *vdm_packed_entry(const struct vdm_packed *u);

/* The next bytes of the entry, holes of a sparse file as zeros; empty at its end. false: the rest of it cannot
 * be read, vdm_packed_why says why. */
bool vdm_packed_read(struct vdm_packed *u, struct vdm_bytes *piece);
/* May the data be passed over without reading it? Then the next step does. */
bool vdm_packed_skips(const struct vdm_packed *u);
/* Before the first read: where the data of the entry begin in the container, if they are stored there as they
 * are. */
bool vdm_packed_stored(const struct vdm_packed *u, uint64_t *offset);
/* After the last: has libarchive taken just these bytes of the container for it? */
bool vdm_packed_took(const struct vdm_packed *u, uint64_t from, uint64_t bytes);
const char *vdm_packed_why(const struct vdm_packed *u);
/* Bytes that the step counts for: a header; in a layer all that it unpacked, so zeros between tars, too. */
uint64_t vdm_packed_stepped(const struct vdm_packed *u);
/* Where it broke: an offset of the container, or, of a tar in a layer, in what that unpacks to (vdm_packed_skips). */
uint64_t vdm_packed_broke_at(const struct vdm_packed *u);
/* At the end: how far the container was read. What follows a layer that ends is passed over by libarchive. */
uint64_t vdm_packed_end(const struct vdm_packed *u);

/* --- packed_layer.c --- */

enum vdm_layer {
    VDM_LAYER_WHOLE, /* or there is none */
    VDM_LAYER_CUT,   /* what comes out of it is good, as far as it goes */
    VDM_LAYER_DAMAGED,
};
/* Unpacks the layer of a tar, `most` bytes at most. */
enum vdm_layer vdm_packed_layer(struct vdm_span *s, uint64_t most);

#endif
