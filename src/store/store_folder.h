/* SPDX-License-Identifier: MIT */
/* The store as a folder (docs/FORMATS.md, "Store"):
 *
 *     objects/ab/<62 hex digits>       one file an object, with exactly its bytes, mode 0444
 *     tmp/put-<16 hex>                 an object being written, where the file system cannot write one
 *                                      without a name
 *     tmp/damaged-<64 hex>-<16 hex>    a bad object that was set aside
 *
 *     packs/                           small documents in tar files; store_packs.h
 *
 * Where there is a packs/, documents below 1 MiB go there; where there is none, all are files.
 *
 * Put is openat(O_TMPFILE) write* linkat; nothing is synced before vdm_store_sync, which is one
 * syncfs for all that was put (errors of writing back are reported from Linux 5.8 on). */
#ifndef VDM_STORE_STORE_FOLDER_H
#define VDM_STORE_STORE_FOLDER_H

#include "store/store.h"

/* Make the folder with objects/, tmp/ and, with `packs`, packs/, durable on return. What is there already is kept. Folders
 * are 0700 (less the umask): who may read the documents is decided here, in one place, and an owner
 * can open an archive up, but cannot take back what was read. */
bool vdm_store_create_folder(const char *path, bool packs, struct vdm_err *err) VDM_MUST_CHECK;

/* `crypto` must outlive the store. For reading, objects/ is enough; for writing, a tmp/ that is not
 * there is made. Writing to a network or FUSE file system is refused, because its locks and syncs do
 * not keep what S7 promises. */
bool vdm_store_open_folder(struct vdm_store **out, struct vdm_crypto *crypto, const char *path,
                           bool writable, struct vdm_err *err) VDM_MUST_CHECK;

/* Remove what killed writers left in tmp/, and count it. Only `put-` files go, and of those none
 * whose writer still lives; so it may run at any time and more than once. */
bool vdm_store_recover_folder(const char *path, uint64_t *removed,
                              struct vdm_err *err) VDM_MUST_CHECK;

/* For writing: false, with the reason, where the store lies on a network or FUSE file system. To be asked
 * before anything in it is opened for writing. */
bool vdm_store_check_local(const char *path, struct vdm_err *err) VDM_MUST_CHECK;

/* The name of the network file system that statfs(2) calls `f_type`, or NULL if it is none. */
const char *vdm_store_network_name(uint32_t f_type);

/* Of a store without packs/: write named files in tmp/ from now on, as where O_TMPFILE or /proc is missing. */
void vdm_store_folder_use_names(struct vdm_store *s);

/* --- shared by store_folder.c, store_place.c and store_list.c --- */

#define VDM_STORE_FOLDER_MODE 0700
#define VDM_STORE_PUT_PREFIX  "put-"

/* objects/ and, for writing, tmp/ of the store at `path`. */
bool vdm_store_open_parts(const char *path, bool writable, int *objects, int *tmp,
                          struct vdm_err *err) VDM_MUST_CHECK;
/* each() over an open objects/. */
bool vdm_store_list(int objects, vdm_store_visit_fn *visit, void *ctx,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* The store without its packs/. */
bool vdm_store_open_files(struct vdm_store **out, struct vdm_crypto *crypto, const char *path,
                          bool writable, struct vdm_err *err) VDM_MUST_CHECK;
/* Open a folder that may be no link. */
bool vdm_store_open_dir(int dir, const char *name, int *fd, struct vdm_err *err) VDM_MUST_CHECK;

#endif
