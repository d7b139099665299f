/* SPDX-License-Identifier: MIT */
/* Printing of what changed in a text: [-what went-] {+what came+}. */
#ifndef VDM_CLI_TEXTS_H
#define VDM_CLI_TEXTS_H

#include "cli/cli.h"
#include "ops/page_history.h"

/* One edit on a line, behind `indent` spaces. */
void vdm_edit_print(const struct vdm_cli *cli, const struct vdm_page_edit *e, int indent);
json_t *vdm_edit_json(const struct vdm_page_edit *e);

/* All changes between two texts. Many are told in part, and how many are left out. */
void vdm_page_diff_print(const struct vdm_cli *cli, const struct vdm_page_diff *d);
/* `edits` and what belongs to them. */
void vdm_page_diff_json(json_t **to, const struct vdm_page_diff *d);

#endif
