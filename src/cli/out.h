/* SPDX-License-Identifier: MIT */
/* What people read. I9: whatever comes from a document, its metadata or a file name goes through
 * vdm_out_text or vdm_out_value, which leave nothing in it that a terminal would obey. */
#ifndef VDM_CLI_OUT_H
#define VDM_CLI_OUT_H

#include "ops/report.h"

#include <stdio.h>

/* Plain bytes, escaped for a terminal. */
void vdm_out_text(FILE *to, struct vdm_bytes s);
void vdm_out_str(FILE *to, const char *s);
/* A value as it stands in a record: its escapes are ours and stay as they are. */
void vdm_out_value(FILE *to, struct vdm_bytes escaped);
/* A cell of a CSV (RFC 4180), quoted. What a table program would take for a formula gets a `'` in front. */
void vdm_out_csv(FILE *to, struct vdm_bytes s);

/* 81,204 */
void vdm_out_number(FILE *to, uint64_t n);
/* 3,552 bytes; 1.0 GB */
void vdm_out_size(FILE *to, uint64_t bytes);
/* 2026-11-21 14:05:11Z */
void vdm_out_time(FILE *to, struct vdm_time t);
/* 1160f58c...b580d */
void vdm_out_digest(FILE *to, struct vdm_digest d);
/* 2 statements, 1 statement */
void vdm_out_count(FILE *to, uint64_t n, const char *one, const char *many);

/* A new checkpoint, and what to do with it; n == 0: nothing is said. */
void vdm_out_checkpoint(struct vdm_bytes note);
/* `<label>old.example.org, as of 12 entries, <root>` and a line end; nothing where there is none. */
void vdm_out_continues(const char *label, const struct vdm_continued *c);

/* Is the stream a terminal, and is NO_COLOR not set? */
bool vdm_out_has_colours(FILE *to);
enum vdm_colour { VDM_PLAIN, VDM_GOOD, VDM_BAD, VDM_DOUBTFUL };
/* Bold or coloured, or plain without colours. */
void vdm_out_coloured(FILE *to, bool colours, enum vdm_colour colour, const char *words);

#endif
