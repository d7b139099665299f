/* SPDX-License-Identifier: MIT */
/* Manual pages in mdoc(7), made from the table of commands. */
#ifndef VDM_CLI_MDOC_H
#define VDM_CLI_MDOC_H

#include "cli/cli.h"

/* All false only where memory ran out; a stream's faults show when it is closed. */

/* The page of one command; `date` is its .Dd line. */
bool vdm_mdoc_page(FILE *to, const struct vdm_command *c, const char *date) VDM_MUST_CHECK;

/* Parts of the page of the program: its commands by group, and the options of all of them. */
bool vdm_mdoc_commands(FILE *to) VDM_MUST_CHECK;
bool vdm_mdoc_global_options(FILE *to) VDM_MUST_CHECK;

#endif
