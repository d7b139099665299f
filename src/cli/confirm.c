/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool vdm_cli_confirm(const struct vdm_args *args, const char *question, struct vdm_err *err)
{
    char answer[16] = "";
    if (vdm_args_has(args, "yes"))
        return true;
    if (!isatty(STDIN_FILENO))
        return vdm_fail_as(err, VDM_ERR_USAGE, "no terminal to ask on: say --yes");
    fprintf(stderr, "%s Type yes: ", question);
    if (!fgets(answer, sizeof answer, stdin) || strcmp(answer, "yes\n") != 0)
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "not confirmed: nothing was done");
    return true;
}
