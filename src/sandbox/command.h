/* SPDX-License-Identifier: MIT */
/* A command of the user's own, told something on its standard input. */
#ifndef VDM_SANDBOX_COMMAND_H
#define VDM_SANDBOX_COMMAND_H

#include "base/buf.h"

/* Runs `command` with /bin/sh and gives it `input`; nothing of it stands in the command line. Waits for
 * its end: *status is its exit status, or 128 and the signal that ended it. Its output goes where ours
 * goes. It may leave `input` unread. */
bool vdm_command_run(const char *command, struct vdm_bytes input, int *status,
                     struct vdm_err *err) VDM_MUST_CHECK;

#endif
