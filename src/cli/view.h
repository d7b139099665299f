/* SPDX-License-Identifier: MIT */
/* Printing of captures, the same in log, show and verify. */
#ifndef VDM_CLI_VIEW_H
#define VDM_CLI_VIEW_H

#include "cli/cli.h"
#include "ops/query.h"

/* Everything known of one entry, many lines. */
bool vdm_view_print(struct vdm_cli *cli, const struct vdm_view *v,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* What a record said before and says after, a line each: `- ` and `+ `. */
void vdm_changes_print(const struct vdm_record *before, const struct vdm_record *after);
json_t *vdm_changes_json(const struct vdm_record *before, const struct vdm_record *after);
/* The amendments of a capture, newest first, each with what it changed. */
bool vdm_amendments_print(struct vdm_cli *cli, const struct vdm_view *v,
                          struct vdm_err *err) VDM_MUST_CHECK;
bool vdm_amendments_json(struct vdm_cli *cli, const struct vdm_view *v, json_t **out,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* One line. */
void vdm_view_print_line(const struct vdm_view *v);
/* As in `log --json`. */
json_t *vdm_view_json(const struct vdm_view *v);

#endif
