/* SPDX-License-Identifier: MIT */
/* The tables in the completions for bash, zsh and fish, made from the table of commands. What a shell
 * does with them stands in completions/. */
#ifndef VDM_CLI_COMPLETE_H
#define VDM_CLI_COMPLETE_H

#include "cli/cli.h"

/* All false only where memory ran out; a stream's faults show when it is closed. */

/* Of each command: `options` (`--name`, `--name=kind`), and what stands beside them. */
bool vdm_complete_bash(FILE *to) VDM_MUST_CHECK;
/* `options` of all, and the `commands`, with commas between. */
bool vdm_complete_bash_globals(FILE *to) VDM_MUST_CHECK;

/* Of each command: `specs`, as _arguments takes them. */
bool vdm_complete_zsh(FILE *to) VDM_MUST_CHECK;
bool vdm_complete_zsh_globals(FILE *to) VDM_MUST_CHECK;
/* 'name:summary' */
bool vdm_complete_zsh_commands(FILE *to) VDM_MUST_CHECK;

/* All of it, a `complete` a line. */
bool vdm_complete_fish(FILE *to) VDM_MUST_CHECK;

#endif
