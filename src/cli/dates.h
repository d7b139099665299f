/* SPDX-License-Identifier: MIT */
/* Do the dates agree that a document writes? */
#ifndef VDM_CLI_DATES_H
#define VDM_CLI_DATES_H

#include "cli/cli.h"
#include "ops/dates.h"

/* Lines of `show`; `label` prints what stands before each. */
void vdm_dates_print(const struct vdm_dates *d, void (*label)(const char *name));
json_t *vdm_dates_json(const struct vdm_dates *d);

#endif
