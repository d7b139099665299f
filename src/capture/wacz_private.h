/* SPDX-License-Identifier: MIT */
/* What the files of the WACZ reader share: wacz.c reads the zip, wacz_packed.c what is packed in it
 * once more, wacz_package.c what datapackage.json says of it,
 * wacz_pages.c the titles. */
#ifndef VDM_CAPTURE_WACZ_PRIVATE_H
#define VDM_CAPTURE_WACZ_PRIVATE_H

#include "capture/pack.h"

#include <jansson.h>

#define VDM_WACZ_FILES_MAX 100000u
#define VDM_WACZ_TEXT_MAX                                                                          \
    (32u << 20) /* bytes of datapackage.json, its digest, and of all pages, each */

struct vdm_wacz_file {
    char *path;
    size_t nth;            /* of the files, in the order of the zip */
    uint64_t size, offset; /* offset: in the WACZ, if stored */
    bool stored, listed, bad;
    bool again; /* another before it has its name */
    uint8_t sha256[VDM_SUM_BYTES_MAX], md5[VDM_SUM_BYTES_MAX];
};

struct vdm_wacz_page {
    const char *url, *ts, *title; /* of `json` */
};

struct vdm_wacz {
    struct vdm_pack *p;
    struct vdm_members *to;
    struct vdm_wacz_file *file; /* sorted by path, once all are read */
    size_t files, cap;
    bool too_many, weak; /* weak: some hashes are MD5 */
    struct vdm_buf package, digest, page_text;
    json_t *json; /* datapackage.json */
    json_t *pages_json;
    struct vdm_wacz_page *page; /* sorted by url */
    size_t pages;
    size_t checked, wrong; /* resources */
    bool package_differs;  /* from what datapackage-digest.json says of it */
    size_t taken;          /* files, in the second pass */
    /* Of the member at hand, for its title. */
    struct vdm_buf source, captured;
};

struct vdm_wacz_file *vdm_wacz_find(const struct vdm_wacz *w, const char *path);

/* The problem of a WARC that is not read. */
void vdm_wacz_refuse(struct vdm_wacz *w, const struct vdm_wacz_file *f, const char *why);
/* The records of a WARC that is packed in the zip. `u` stands at it. */
void vdm_wacz_take_packed(struct vdm_wacz *w, const struct vdm_wacz_file *f, struct vdm_packed *u);

/* Is datapackage.json, as it stands, that of a WACZ? By its version, or by what it names. */
bool vdm_wacz_says_so(struct vdm_bytes package);
/* Compares; tells problems, and marks files that are not what is said of them. */
void vdm_wacz_check(struct vdm_wacz *w);
/* Lines about the WACZ. */
void vdm_wacz_about(struct vdm_wacz *w);

void vdm_wacz_read_pages(struct vdm_wacz *w);
/* To be shown every line of a member: adds the title, once source and time are known. */
void vdm_wacz_see_line(void *wacz, enum vdm_field f, struct vdm_bytes value);

#endif
