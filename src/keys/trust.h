/* SPDX-License-Identifier: MIT */
/* Other people's keys: the folder `trusted/` of an archive's `keys/`, and what `--trust` names.
 *
 *     trusted/<file>.pub       one vkey
 *     trusted/<file>.policy    a trust policy (C2SP tlog-policy)
 *
 * Everything else in the folder is passed over. `keys` is the open folder `keys/`; a folder without
 * `trusted/` trusts nobody, which is no error. Public side only: nothing here needs a secret. */
#ifndef VDM_KEYS_TRUST_H
#define VDM_KEYS_TRUST_H

#include "keys/pub.h"

#define VDM_TRUSTED_MAX 1000 /* files in trusted/ */

enum vdm_trusted_kind {
    VDM_TRUSTED_KEY,
    VDM_TRUSTED_POLICY,
    VDM_TRUSTED_DAMAGED, /* named like one of these, but it does not read as one */
};

struct vdm_trusted {
    char file[256]; /* in trusted/, suffix included; may hold any byte but `/`: escape it */
    enum vdm_trusted_kind kind;
    struct vdm_vkey key; /* of a key */
    char problem[200];   /* of a damaged file: why */
};

/* Owned; zero-initialise, release when done. */
struct vdm_trusted_list {
    struct vdm_trusted *item; /* by file name */
    size_t n;
};
void vdm_trusted_list_release(struct vdm_trusted_list *l);

/* Owned keys, without repetition. */
struct vdm_vkeys {
    struct vdm_vkey *key;
    size_t n;
};
void vdm_vkeys_release(struct vdm_vkeys *v);

/* A damaged file is an item of the list and no error; more than VDM_TRUSTED_MAX files are one. */
bool vdm_trust_list(struct vdm_crypto *c, int keys, struct vdm_trusted_list *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Add a key; makes trusted/ if need be; durable on return. One that is there already is left as it
 * is, with *added (may be NULL) false. */
bool vdm_trust_add(struct vdm_crypto *c, int keys, const struct vdm_vkey *k, bool *added,
                   struct vdm_err *err) VDM_MUST_CHECK;
/* Add a policy as `<name>.policy`. `name` is a name of ours without `/` and without a dot in front;
 * the text must be a policy. Never overwrites. */
bool vdm_trust_add_policy(struct vdm_crypto *c, int keys, struct vdm_bytes name,
                          struct vdm_bytes text, struct vdm_err *err) VDM_MUST_CHECK;
/* Remove one file by its name in the list; durable on return. */
bool vdm_trust_remove(int keys, const char *file, struct vdm_err *err) VDM_MUST_CHECK;

/* All keys of that name; none is VDM_ERR_NOT_FOUND. Damaged files are passed over: less is trusted
 * then, never more; the message counts them. */
bool vdm_trust_find(struct vdm_crypto *c, int keys, struct vdm_bytes name, struct vdm_vkeys *out,
                    struct vdm_err *err) VDM_MUST_CHECK;
/* Append the text of the policy `<name>.policy` to out; it is checked to be one. */
bool vdm_trust_read_policy(struct vdm_crypto *c, int keys, struct vdm_bytes name,
                           struct vdm_buf *out, struct vdm_err *err) VDM_MUST_CHECK;

/* What a `--trust` argument names, at least one key:
 *
 *     a vkey                                                  the key itself
 *     ends in `.pub`, or starts with `/`, `./` or `../`       a file, seen from the current folder
 *     anything else                                           the name of keys in trusted/
 *
 * The form alone decides, never what exists: otherwise a file that somebody put into the current
 * folder could stand in for a trusted name. `keys` may be VDM_NO_KEYS; then a name is
 * VDM_ERR_USAGE. */
#define VDM_NO_KEYS (-1)
bool vdm_trust_resolve(struct vdm_crypto *c, int keys, const char *argument, struct vdm_vkeys *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

#endif
