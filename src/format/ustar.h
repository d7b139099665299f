/* SPDX-License-Identifier: MIT */
/* One header of a tar, as POSIX.1-2017 has it ("ustar Interchange Format"): bytes to a struct and back.
 * Which names, sizes and times are allowed is for who uses it. */
#ifndef VDM_FORMAT_USTAR_H
#define VDM_FORMAT_USTAR_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define VDM_USTAR_BLOCK     512
#define VDM_USTAR_NAME_MAX  100
#define VDM_USTAR_OCTAL_MAX ((UINT64_C(1) << 33) - 1) /* eleven octal digits */

/* A regular file of user and group 0. */
struct vdm_ustar {
    char name[VDM_USTAR_NAME_MAX + 1]; /* NUL-terminated */
    unsigned mode;                     /* at most 0777 */
    uint64_t size;
    uint64_t mtime; /* seconds since 1970, at most VDM_USTAR_OCTAL_MAX */
};

/* Sizes above VDM_USTAR_OCTAL_MAX are GNU base-256. */
void vdm_ustar_encode(const struct vdm_ustar *h, uint8_t block[VDM_USTAR_BLOCK]);

/* Is its checksum right? That of a block of zeros is not. */
bool vdm_ustar_checksum_right(const uint8_t block[VDM_USTAR_BLOCK]);

/* Whatever name, size and time the bytes make; `mode` is as given. One form for each header: what does
 * not encode to the same bytes is none, and then a constant phrase names the first field at fault.
 * NULL: it does. */
const char *vdm_ustar_decode(const uint8_t block[VDM_USTAR_BLOCK], unsigned mode,
                             struct vdm_ustar *out);

#endif
