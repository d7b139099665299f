/* SPDX-License-Identifier: MIT */
/* What the files of the bag validator share: bag.c holds the list and the verdict, bag_tags.c reads
 * bagit.txt, bag-info.txt and fetch.txt, bag_manifest.c the manifests. */
#ifndef VDM_CAPTURE_BAG_PRIVATE_H
#define VDM_CAPTURE_BAG_PRIVATE_H

#include "capture/bag.h"
#include "capture/bag_text.h"

#define VDM_BAG_MANIFESTS_MAX 16 /* of the payload: one bit each */

struct vdm_bag_file {
    size_t at; /* of its name in `names`, until all are listed */
    struct vdm_bytes name;
    uint64_t size;
    const uint8_t *sums; /* packed, by rising kind; NULL: not filled in */
    struct vdm_bytes text;
    uint32_t listed; /* bit i: by the i-th manifest of its sort */
};

/* Strings one after another, each with a NUL. */
struct vdm_bag_strings {
    struct vdm_buf text;
    size_t *at;
    size_t n, cap, counted;
};

struct vdm_bag {
    struct vdm_bag_file *file; /* sorted by name, once listed */
    size_t files, cap;
    struct vdm_buf names;
    uint8_t *sums; /* of all files */
    size_t sums_each;
    unsigned kinds; /* bits */
    size_t text_bytes;
    bool has_data;
    unsigned major, minor; /* of the version */
    bool version_unknown;  /* it was read, and is none of those that are judged here */
    enum vdm_bag_encoding encoding;
    unsigned payload_manifests, tag_manifests;
    uint32_t known;   /* bit i: the algorithm of the i-th manifest of the payload is known */
    unsigned checked; /* bits: kinds of manifests of the payload that were checked */
    struct vdm_bag_strings findings, notices, info; /* info: label, value, label ... */
    struct vdm_buf decoded;                         /* the tag file that is being read */
};

bool vdm_bag_is_strict(const struct vdm_bag *b); /* 1.0 */
struct vdm_bag_file *vdm_bag_find(const struct vdm_bag *b, struct vdm_bytes name);
void vdm_bag_tell(struct vdm_bag *b, const char *format, ...) VDM_PRINTF(2, 3); /* a notice */
void vdm_bag_strings_release(struct vdm_bag_strings *s);
void vdm_bag_string(struct vdm_bag_strings *s, struct vdm_bytes text);
bool vdm_bag_is_payload(struct vdm_bytes name);

/* The text of a tag file in UTF-8, valid until the next; false: a finding says why not. */
bool vdm_bag_decode(struct vdm_bag *b, const struct vdm_bag_file *f, struct vdm_bytes *text);

/* May a path be that of a file in a bag: relative, without `.`, `..` and empty parts? */
bool vdm_bag_path_is_safe(struct vdm_bytes path);
/* A path as a tag file states it, made a name in *out: `./` goes, and what is encoded is decoded, by the
 * rules of the version. false: a finding says why not. `where` names the tag file. */
bool vdm_bag_path(struct vdm_bag *b, struct vdm_bytes stated, struct vdm_bytes where,
                  struct vdm_buf *out);

/* manifest-<algorithm>.txt or tagmanifest-<algorithm>.txt? *known is false for an algorithm that cannot be
 * had here. */
bool vdm_bag_is_manifest(struct vdm_bytes name, bool *of_tags, bool *known,
                         enum vdm_sum_kind *kind);
void vdm_bag_read_manifests(struct vdm_bag *b);

bool vdm_bag_read_declaration(struct vdm_bag *b); /* false: nothing more can be said */
void vdm_bag_read_info(struct vdm_bag *b);
void vdm_bag_read_fetch(struct vdm_bag *b);

#endif
