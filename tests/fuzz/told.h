/* SPDX-License-Identifier: MIT */
/* What a reader of containers tells its parent, without a second process: each message is in its form, and they come in
 * their order. */
#ifndef VDM_TESTS_FUZZ_TOLD_H
#define VDM_TESTS_FUZZ_TOLD_H

#include "fuzz/fuzz.h"

#include "capture/container_members.h"
#include "capture/container_wire.h"

struct fuzz_told {
    bool whole; /* the reader came to its end; else it told more than is looked at */
    bool is;    /* it knows the container, as format number `format` */
    unsigned format;
    unsigned members, problems, abouts;
    struct vdm_buf all;    /* lengths and bytes of the members that were good */
    struct vdm_buf about;  /* the lines that the container states of itself, each with an LF */
    struct vdm_buf member; /* bytes of the member at hand */
    bool inside, ended;
};

/* `formats` as for vdm_container_open_with. Aborts where something does not hold. */
void fuzz_told(struct fuzz_told *t, const struct vdm_container_format *const *formats,
               struct vdm_bytes input, const void *context);
void fuzz_told_release(struct fuzz_told *t); /* for VDM_CLEANUP */

#endif
