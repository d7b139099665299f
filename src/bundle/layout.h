/* SPDX-License-Identifier: MIT */
/* What stands in a bundle: the names of its members as values, and its small texts, all of them
 * strict both ways: encode(decode(x)) == x, or x is refused (docs/FORMATS.md, "Bundle"; RFC 8493
 * for the bag; RFC 8410 for the keys). Pure: bytes in memory only. */
#ifndef VDM_BUNDLE_LAYOUT_H
#define VDM_BUNDLE_LAYOUT_H

#include "base/buf.h"
#include "base/limits.h"
#include "base/time.h"
#include "crypto/crypto.h"

/* --- names of members --- */

#define VDM_LAYOUT_PATH_MAX          98 /* bytes below the top folder */
#define VDM_LAYOUT_EXT_MAX           8
#define VDM_LAYOUT_EVIDENCE_NAME_MAX 64

/* In the order in which they first stand in a bundle. */
enum vdm_layout_kind {
    VDM_LAYOUT_BAGIT,       /* bagit.txt */
    VDM_LAYOUT_BAG_INFO,    /* bag-info.txt */
    VDM_LAYOUT_MANIFEST,    /* manifest-sha256.txt */
    VDM_LAYOUT_TAGMANIFEST, /* tagmanifest-sha256.txt */
    VDM_LAYOUT_SEAL,        /* vidimus/seal */
    VDM_LAYOUT_CHECKPOINT,  /* vidimus/checkpoint */
    VDM_LAYOUT_SELECTION,   /* vidimus/selection */
    VDM_LAYOUT_VERIFY,      /* vidimus/VERIFY.txt */
    VDM_LAYOUT_KEY,         /* vidimus/keys/<64 hex of key>.pem */
    VDM_LAYOUT_INDEX,       /* data/INDEX.txt */
    VDM_LAYOUT_ENTRY,       /* vidimus/entries/<n> */
    VDM_LAYOUT_PROOF,       /* vidimus/proofs/<n>.tlog-proof */
    VDM_LAYOUT_RECORD,      /* vidimus/records/<n> */
    VDM_LAYOUT_FILE,        /* data/files/<n>.<ext> */
    VDM_LAYOUT_EVIDENCE,    /* vidimus/evidence/<n>/<name> */
};

/* Fields that a kind does not have are zero. */
struct vdm_layout_member {
    enum vdm_layout_kind kind;
    uint64_t n; /* entry number: six digits or more. EVIDENCE: the checkpoint's size, from
                 * 1 up, without leading zeros. At most VDM_NUMBER_MAX */
    struct vdm_pubkey key;                       /* KEY */
    char ext[VDM_LAYOUT_EXT_MAX + 1];            /* FILE: `[a-z0-9]{1,8}` */
    char name[VDM_LAYOUT_EVIDENCE_NAME_MAX + 1]; /* EVIDENCE: `[a-z0-9][a-z0-9.-]{0,63}` */
};

/* `path` is what stands below the top folder, as vdm_tar_path gives it. false: no name of ours. */
bool vdm_layout_decode(struct vdm_bytes path, struct vdm_layout_member *out) VDM_MUST_CHECK;
/* `out` takes VDM_LAYOUT_PATH_MAX + 1 bytes. VDM_ERR_REFUSED where a field has no form. */
bool vdm_layout_encode(const struct vdm_layout_member *m, char *out,
                       struct vdm_err *err) VDM_MUST_CHECK;

/* Does this kind stand in manifest-sha256.txt, in tagmanifest-sha256.txt? Never in both; the
 * tagmanifest itself, the seal and evidence stand in neither. */
bool vdm_layout_in_manifest(enum vdm_layout_kind kind);
bool vdm_layout_in_tagmanifest(enum vdm_layout_kind kind);

/* The `<ext>` for a file-name: its last suffix, lower-cased, where that is 1 to 8 of `a-z0-9` (a
 * dot at the very front starts no suffix), else `bin`. Escaped or not, the value gives the same.
 * For a name that is not there or not disclosed pass an empty one. `out` takes VDM_LAYOUT_EXT_MAX
 * + 1. */
void vdm_layout_ext(struct vdm_bytes file_name, char *out);

/* --- bagit.txt, bag-info.txt --- */

/* bagit.txt has one form. */
#define VDM_BAGIT_TEXT "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
bool vdm_bagit_valid(struct vdm_bytes text);

#define VDM_BAG_INFO_MAX       512 /* bytes of the whole file */
#define VDM_BAG_INFO_AGENT_MAX 200

/* Four lines, in this order. */
struct vdm_bag_info {
    char origin[VDM_NAME_MAX + 1]; /* External-Identifier: characters of names */
    char date[11];                 /* Bagging-Date: YYYY-MM-DD, the date of the seal's `created` */
    uint64_t payload_bytes;        /* Payload-Oxum: bytes.files, of everything in data/ */
    uint64_t payload_files;
    char agent[VDM_BAG_INFO_AGENT_MAX + 1]; /* Bag-Software-Agent: printable ASCII, no space at
                                             * either end */
};

/* The date part of a time; `out` takes 11 bytes. Years 0000 to 9999. */
void vdm_bag_date(struct vdm_time t, char *out);
/* Appended to out. VDM_ERR_REFUSED where a field has no form. */
bool vdm_bag_info_encode(const struct vdm_bag_info *info, struct vdm_buf *out,
                         struct vdm_err *err) VDM_MUST_CHECK;
/* VDM_ERR_MALFORMED says which line is at fault. */
bool vdm_bag_info_decode(struct vdm_bytes text, struct vdm_bag_info *out,
                         struct vdm_err *err) VDM_MUST_CHECK;

/* --- manifests --- */

/* Longest line, its LF included. */
#define VDM_MANIFEST_LINE_MAX (64 + 2 + VDM_LAYOUT_PATH_MAX + 1)

/* `<64 hex>  <path>` and LF, appended; `path` as vdm_layout_encode gives it. */
void vdm_manifest_append(struct vdm_buf *out, struct vdm_digest digest, const char *path);
/* One line without its LF. false: not a line of ours, or the path no name of ours. Which manifest
 * the path may stand in is left to the caller. */
bool vdm_manifest_line_decode(struct vdm_bytes line, struct vdm_digest *digest,
                              struct vdm_layout_member *member) VDM_MUST_CHECK;

/* --- vidimus/keys/<hex>.pem --- */

#define VDM_KEY_PEM_BYTES 113

/* A SubjectPublicKeyInfo that `openssl pkey -pubin` reads. `out` takes VDM_KEY_PEM_BYTES, and gets
 * no NUL. */
void vdm_key_pem_encode(const struct vdm_pubkey *key, uint8_t *out);
/* false: not exactly what encode gives. Whether the key is a valid point is not looked at. */
bool vdm_key_pem_decode(struct vdm_bytes text, struct vdm_pubkey *out) VDM_MUST_CHECK;

/* --- vidimus/selection: entry numbers, rising, one a line, at least one --- */

/* One line, appended. The caller keeps the order; vdm_selection_decode would refuse any other. */
void vdm_selection_append(struct vdm_buf *out, uint64_t n);

/* Decoding in pieces of any size, in constant memory. Zero-initialise. */
struct vdm_selection_decoder {
    uint64_t count; /* numbers so far */
    uint64_t last;  /* the newest of them */
    uint8_t digits; /* of the line that is not complete */
    char line[17];
};

/* Takes bytes off the front of *piece until a number is complete (*found, *n) or the piece is used
 * up (*found false). VDM_ERR_MALFORMED with the line's number. */
bool vdm_selection_decode(struct vdm_selection_decoder *d, struct vdm_bytes *piece, bool *found,
                          uint64_t *n, struct vdm_err *err) VDM_MUST_CHECK;
/* After the last piece: the last line must be complete and there must be one. */
bool vdm_selection_end(const struct vdm_selection_decoder *d, struct vdm_err *err) VDM_MUST_CHECK;

#endif
