/* SPDX-License-Identifier: MIT */
/* WARC (ISO 28500, 1.0 and 1.1; 0.17 and 0.18 are read alike), plain, gzip or zstd: each response, resource,
 * conversion and revisit record is a member, its document the payload.
 *
 * payload    of an HTTP response: its body, transfer encoding (chunks) removed, content encoding kept; else the block
 * record     source, captured (as precise as written), record-id, captured-by and method of the warcinfo that
 *            is in force, `header` lines, what became of the stated digests
 * revisit    repeats the capture that it names; else its document is the record itself, as it stands
 * segments   are not joined: the first is a member that says so, each is a problem
 * broken     what can be read is a member and says in a line what is wrong; what cannot is a problem */
#ifndef VDM_CAPTURE_WARC_H
#define VDM_CAPTURE_WARC_H

#include "capture/container.h"

extern const struct vdm_container_format vdm_warc_format;

/* For a container that holds WARCs: reads the span from its start to its end. A record of a flow is known again by the
 * flow's name, which has at most so many bytes. */
#define VDM_WARC_WITHIN_MAX 200
bool vdm_warc_is(struct vdm_span *s);
void vdm_warc_read(struct vdm_span *s, struct vdm_members *to);

#endif
