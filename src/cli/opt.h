/* SPDX-License-Identifier: MIT */
/* Command lines: a table of options for each command, from which parsing, help and manual are made. */
#ifndef VDM_CLI_OPT_H
#define VDM_CLI_OPT_H

#include "base/err.h"

#include <stddef.h>
#include <stdio.h>

struct vdm_opt {
    const char *name;     /* long form, without the dashes; NULL ends a table */
    char letter;          /* short form, or 0 */
    const char *argument; /* what stands for its value in --help; NULL: it takes none */
    const char *help;
};

struct vdm_given {
    const struct vdm_opt *opt;
    const char *value; /* NULL: it takes none */
};

/* What was given: options in order, and the other arguments. Release frees the lists. */
struct vdm_args {
    struct vdm_given *given;
    size_t givens;
    const char **rest;
    size_t rests;
};
void vdm_args_release(struct vdm_args *a);

/* Parse argv[1..]; `globals` and `own` (may be NULL) are the options that are known. With
 * `stop_at_word` the first argument that is no option ends the options and stays in rest with all
 * that follows. VDM_ERR_USAGE says what is wrong. */
bool vdm_args_parse(struct vdm_args *out, int argc, char **argv, const struct vdm_opt *globals,
                    const struct vdm_opt *own, bool stop_at_word,
                    struct vdm_err *err) VDM_MUST_CHECK;

bool vdm_args_has(const struct vdm_args *a, const char *name);
/* The last value given; NULL if there is none. */
const char *vdm_args_value(const struct vdm_args *a, const char *name);
/* The k-th value given, from 0; NULL at the end. */
const char *vdm_args_nth(const struct vdm_args *a, const char *name, size_t k);

#endif
