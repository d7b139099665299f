/* SPDX-License-Identifier: MIT */
/* What is told about a command. --help, the manual pages and the completions are made from this, so
 * that they say the same. */
#ifndef VDM_CLI_MANUAL_H
#define VDM_CLI_MANUAL_H

#include "cli/opt.h"

struct vdm_example {
    const char *command; /* one line, or several joined by backslashes as in a shell */
    const char *purpose; /* what for; told as a comment before it */
};

#define VDM_PARAGRAPHS 16
#define VDM_EXAMPLES   6

/* Paragraphs are plain sentences; in backticks stands what is typed. What is left free is NULL. */
struct vdm_manual {
    const char *usage;   /* what follows the command's name: WORD is a value, [x] may be left out */
    const char *summary; /* without capital and full stop: it stands behind the name */
    const char *paragraphs[VDM_PARAGRAPHS];
    struct vdm_example examples[VDM_EXAMPLES]; /* at least one */
    const struct vdm_opt *options;             /* NULL: none of its own */
    /* What a shell may offer beside the options: words, and kinds of them: file, folder, own-key,
     * trusted-key. NULL: nothing. */
    const char *arguments;
};

struct vdm_command;

/* The list of commands, with the options of all. */
void vdm_help_print(FILE *to);
/* All about one; `options` as vdm_command_options gives them. */
void vdm_help_print_command(const struct vdm_command *c, const struct vdm_opt *options);
/* One line of that list. */
void vdm_help_print_line(FILE *to, const struct vdm_command *c);

/* What an exit status says, for every command. */
const char *vdm_exit_meaning(int status);

#endif
