/* SPDX-License-Identifier: MIT */
/* The two types that most documents have, told without libmagic, which takes half a millisecond to find
 * that a text is plain: it tries a thousand patterns on it. */
#ifndef VDM_CAPTURE_PLAIN_H
#define VDM_CAPTURE_PLAIN_H

#include "base/buf.h"

#define VDM_PLAIN_LOOK_BYTES                                                                       \
    1024 /* of a text, at most, are looked at: it tells its type at its top */

/* Has it a byte, in what is looked at, that no text has? */
bool vdm_plain_is_binary(struct vdm_bytes head);

/* "text/plain" for what is evidently prose, "text/html" for what begins as a page does; NULL: ask
 * libmagic. Where it answers, libmagic would answer the same, but for prose that it takes for a program
 * ("from Rome import grain ..."). */
const char *vdm_plain_type(struct vdm_bytes head);

#endif
