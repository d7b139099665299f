/* SPDX-License-Identifier: MIT */
/* What a document looks like by its first bytes: its media type, by libmagic. */
#ifndef VDM_CAPTURE_MEDIA_H
#define VDM_CAPTURE_MEDIA_H

#include "base/buf.h"

#define VDM_MEDIA_LOOK_BYTES (1u << 16) /* of a document, at most, are looked at */
#define VDM_MEDIA_TYPE_MAX   127        /* bytes of type/subtype; what is longer is no type to us */

/* A libmagic handle: loading its database takes milliseconds, so one is kept; one a thread. */
struct vdm_media;
bool vdm_media_open(struct vdm_media **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_media_close(struct vdm_media *m);    /* NULL is fine */
void vdm_media_cleanup(struct vdm_media **m); /* for VDM_CLEANUP */

/* Lower-case `type/subtype` of a document that begins with these bytes, NUL-terminated, or "" where
 * that is not known: application/octet-stream is libmagic's way of saying so, and an empty document
 * has none. Costs 10 us to 0.5 ms, the most for plain text. */
void vdm_media_guess(struct vdm_media *m, struct vdm_bytes head, char type[VDM_MEDIA_TYPE_MAX + 1]);

/* Has it the form of a media type (RFC 6838 section 4.2), in lower case, without parameters? */
bool vdm_media_type_valid(struct vdm_bytes type);

#endif
