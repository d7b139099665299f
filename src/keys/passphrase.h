/* SPDX-License-Identifier: MIT */
/* Passphrases, from the terminal or from a file, into guarded memory. passphrase.c alone touches
 * the terminal.
 *
 * `out` is opened here and released by the caller; it is never empty. */
#ifndef VDM_KEYS_PASSPHRASE_H
#define VDM_KEYS_PASSPHRASE_H

#include "crypto/sign.h"

#define VDM_PASSPHRASE_MAX   1024 /* bytes */
#define VDM_PASSPHRASE_TRIES 3    /* of a person */

/* Ask on the controlling terminal (/dev/tty) with "Passphrase for NAME: ", without echo. With
 * `twice` it is asked again and must be the same; that, and an empty one, has three tries.
 *
 * The terminal is as before on every return. SIGINT, SIGTERM, SIGHUP and SIGQUIT, unless ignored,
 * take effect after that, as the process has set them; where it lives on: VDM_ERR_INTERRUPTED.
 * After SIGTSTP and on being continued, the question is asked again. Call it before there are
 * other threads: one that does not block these signals would get them.
 *
 * Without a terminal: VDM_ERR_FAILED, and the message points to `--passphrase-file`. */
bool vdm_passphrase_ask(struct vdm_secret *out, const char *name, bool twice,
                        struct vdm_err *err) VDM_MUST_CHECK;

/* The first line of a file, without its line end (LF or CRLF). A file that group or others have any
 * permission on is refused like a key file, but for a credential of systemd (keys/private.h). */
bool vdm_passphrase_read(struct vdm_secret *out, int dir, const char *path,
                         struct vdm_err *err) VDM_MUST_CHECK;

#endif
