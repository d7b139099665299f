/* SPDX-License-Identifier: MIT */
/* Bundles: chosen captures with all that is needed to check them offline, as one file
 * (docs/FORMATS.md, "Bundle").
 *
 * Two passes over the selection at one checkpoint, the newest when the call starts. The first makes
 * every member but the documents and hashes it, so that the manifests and the seal can be written
 * before them; the second writes. Documents are read once, in the second pass, and hashed on their
 * way. Memory: 16 bytes for each selected capture and 24 for each amendment or withdrawal of one;
 * the rest is spooled in scratch files without a name.
 *
 * The same archive, request and sealer give the same bytes (with the same compression library). */
#ifndef VDM_OPS_BUNDLE_H
#define VDM_OPS_BUNDLE_H

#include "bundle/tar.h"
#include "keys/signer.h"
#include "ops/archive.h"

/* All borrowed. */
struct vdm_bundle_request {
    const char *output; /* `.tar`, `.tar.gz`, `.tgz` or `.tar.zst` */
    bool replace;       /* a file that stands there already may be replaced */

    /* What is selected: these entries, each a capture, rising; or, with entry == NULL, the captures
     * that the filter finds (its newest_first is ignored); or, without a filter, all of them. */
    const uint64_t *entry;
    size_t entries;
    const struct vdm_catalog_filter *filter;

    /* 0: whole records; else bits (1 << enum vdm_field): only the lines of these fields are shown.
     * Without VDM_FIELD_DOCUMENT among them no document goes along. */
    uint64_t fields;
    /* For some captures another choice: a table (capture/table.h), one row a capture, which the
     * columns `entry` and `disclose` (`title,issued`, or `all`: the whole records) name. NULL: none. */
    const char *table;
    bool without_documents;  /* a receipt */
    struct vdm_time created; /* years 0000 to 9999 */
    const char *agent;       /* name and version of the software, printable ASCII */
    unsigned threads;        /* 0: one for each processor, where there is enough to do */
};

/* Zero-initialise; release when done. */
struct vdm_bundle_made {
    uint64_t captures;  /* selected, withdrawn ones included */
    uint64_t withdrawn; /* of which the record, the document or both are */
    uint64_t partly;    /* items shown in part */
    uint64_t
        doubted; /* whose signer's key was revoked, and for whom nobody vouched since: findings for who verifies */
    uint64_t documents, document_bytes;
    uint64_t bytes;                      /* of the file */
    char folder[VDM_TAR_FOLDER_MAX + 1]; /* the top folder */
    bool sealed;
    uint64_t size; /* of the checkpoint */
    struct vdm_digest root;
    struct vdm_time as_of;     /* `recorded` of the newest entry */
    struct vdm_buf checkpoint; /* the note, with the ledger's own signatures only */
};
void vdm_bundle_made_release(struct vdm_bundle_made *m);

/* The top folder for a bundle of this name: the base name without its ending; other characters than
 * `A-Za-z0-9._-` become `_`, what is no letter or digit is dropped from the front, and what goes
 * beyond 17 characters from the end; `bundle` if nothing is left. `out` takes
 * VDM_TAR_FOLDER_MAX + 1 bytes. */
void vdm_bundle_folder(const char *output, char *out);

/* Write the bundle; the file has its name only once it is complete and durable, and after a failure
 * there is none. `sealer` == NULL: unsealed, which is a finding for most readers.
 *
 * VDM_ERR_USAGE: an ending that says no form, nothing selected, a number that is no capture or not
 * in order, a row of the table that says nothing or is not of a selected capture, a sealer whose key is not valid for a signer at this size. VDM_ERR_MALFORMED: the archive
 * is damaged (the entry is named): nothing that would not verify is handed out. VDM_ERR_INTERRUPTED:
 * `progress` said stop. */
bool vdm_bundle_write(struct vdm_archive *a, const struct vdm_bundle_request *r,
                      const struct vdm_signer *sealer, const struct vdm_progress *progress,
                      struct vdm_bundle_made *made, struct vdm_err *err) VDM_MUST_CHECK;

#endif
