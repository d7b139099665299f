/* SPDX-License-Identifier: MIT */
/* What a document looks like by its first bytes: its media type, by libmagic.
 *
 * libmagic reads foreign bytes, so it runs in a worker without rights (sandbox/worker.h): not in the
 * process that holds the signing keys, nor in one that could reach them. One worker guesses for many
 * documents. One that dies at a document, or does not answer in time, is started again, a bounded
 * number of times. */
#ifndef VDM_CAPTURE_MEDIA_H
#define VDM_CAPTURE_MEDIA_H

#include "base/buf.h"

#define VDM_MEDIA_LOOK_BYTES (1u << 16) /* of a document, at most, are looked at */
#define VDM_MEDIA_TYPE_MAX   127        /* bytes of type/subtype; what is longer is no type to us */

/* A guesser: its database and its worker, which take milliseconds, so one is kept. One a thread at a
 * time; its processes end with the thread that opened it or made it ready. */
struct vdm_media;
bool vdm_media_open(struct vdm_media **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_media_close(struct vdm_media *m);    /* NULL is fine */
void vdm_media_cleanup(struct vdm_media **m); /* for VDM_CLEANUP */

/* Lower-case `type/subtype` of a document that begins with these bytes, NUL-terminated, or "" where
 * that is not known: application/octet-stream is libmagic's way of saying so, and an empty document
 * has none. A document that got no answer from the worker is application/octet-stream; once the worker
 * may not be started again, so is every further one. What is evidently plain text or a page is told
 * without libmagic, in 2 us (plain.h); the rest costs 30 us to 0.5 ms, the most for other text. */
void vdm_media_guess(struct vdm_media *m, struct vdm_bytes head, char type[VDM_MEDIA_TYPE_MAX + 1]);

/* For threads that may start no process: ready starts the worker, if none runs and one may be started; from then
 * on nothing else does. */
void vdm_media_ready(struct vdm_media *m);
/* How many documents a worker was asked about, or would have been. */
uint64_t vdm_media_asked(const struct vdm_media *m);
bool vdm_media_lost(const struct vdm_media *m);  /* none runs */
bool vdm_media_spent(const struct vdm_media *m); /* nor may be started */

/* How many documents got no answer, and what happened at the first; "" where the count is 0. */
struct vdm_unguessed {
    uint64_t documents;
    char why[256];
};
struct vdm_unguessed vdm_media_unguessed(const struct vdm_media *m);

/* Has it the form of a media type (RFC 6838 section 4.2), in lower case, without parameters? */
bool vdm_media_type_valid(struct vdm_bytes type);

#endif
