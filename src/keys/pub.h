/* SPDX-License-Identifier: MIT */
/* Public key files `<file>.pub` (docs/FORMATS.md, "Key files") and the names of key files.
 *
 * Paths are as for openat(2): `dir` is an open folder or AT_FDCWD. */
#ifndef VDM_KEYS_PUB_H
#define VDM_KEYS_PUB_H

#include "format/vkey.h"

/* One vkey on one line and nothing else. The LF at the end may be missing: a key that was pasted
 * into a file often has none. VDM_ERR_MALFORMED for any other content. */
bool vdm_pub_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_vkey *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Such a file. Follows links. VDM_ERR_NOT_FOUND where there is none. */
bool vdm_pub_read(struct vdm_crypto *c, int dir, const char *path, struct vdm_vkey *out,
                  struct vdm_err *err) VDM_MUST_CHECK;
/* Durable on return; mode 0644, less the umask. A file that is there already is kept, and that is
 * an error. */
bool vdm_pub_write(int dir, const char *path, const struct vdm_vkey *k,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* The name of a key's files without `.pub` or `.key`: the key's name with `/` as `-`; with
 * `with_id` followed by `-` and the 8 hex digits of the key id.
 *
 * Other people's names may hold anything that a note allows: what is outside our own alphabet, and
 * a dot in front, becomes `_`, and after VDM_KEY_FILE_NAME_CUT bytes the name is cut. So different
 * keys can have one file name; which key a file holds is told by its content alone. */
#define VDM_KEY_FILE_NAME_CUT 160
#define VDM_KEY_FILE_BASE_MAX (VDM_KEY_FILE_NAME_CUT + 9)
void vdm_key_file_base(const struct vdm_vkey *k, bool with_id, char out[VDM_KEY_FILE_BASE_MAX + 1]);
/* The base under which this key's files stand in `dir`, or else can be made: without the id unless
 * another key has that name there (a `.pub` that holds another or none, or a `.key` alone). Both
 * taken is VDM_ERR_FAILED. */
bool vdm_key_file_choose(struct vdm_crypto *c, int dir, const struct vdm_vkey *k,
                         char out[VDM_KEY_FILE_BASE_MAX + 1], struct vdm_err *err) VDM_MUST_CHECK;

#endif
