/* SPDX-License-Identifier: MIT */
/* Is this a valid BagIt bag? BagIt 1.0 (RFC 8493) and 0.97; where the two differ, each by its own rules.
 *
 * A bag is judged from a list of its files, their sums, and the bytes of its tag files: so a folder and a
 * tar are judged by the same code, nothing is opened here, and no name that a bag states is ever a path.
 * In this order: every file is added; vdm_bag_listed; every file is filled in; vdm_bag_judge.
 *
 * What is wrong is a finding: a bag with one is not valid. What is odd but allowed is a notice. Names are
 * compared byte for byte: a name that differs only in case or in Unicode normalisation is another. */
#ifndef VDM_CAPTURE_BAG_H
#define VDM_CAPTURE_BAG_H

#include "base/buf.h"
#include "crypto/sum.h"

/* What marks a folder as a bag, of a name in it (a folder's ends in a slash): bits, to be gathered. One that has lost
 * its bagit.txt is still known by a manifest beside data/, so that it is refused instead of taken unchecked. */
unsigned vdm_bag_mark(struct vdm_bytes name);
bool vdm_bag_is_marked(unsigned marks);

struct vdm_bag;
bool vdm_bag_open(struct vdm_bag **out, struct vdm_err *err) VDM_MUST_CHECK;
void vdm_bag_close(struct vdm_bag *b);    /* NULL is fine */
void vdm_bag_cleanup(struct vdm_bag **b); /* for VDM_CLEANUP */

/* A regular file below the bag's folder, `name` as seen from there, with slashes. Fails without memory, or
 * beyond VDM_BAG_FILES_MAX. */
bool vdm_bag_add(struct vdm_bag *b, struct vdm_bytes name, uint64_t size,
                 struct vdm_err *err) VDM_MUST_CHECK;
/* There is a folder data/, which may be empty. A file below it says so as well. */
void vdm_bag_has_data(struct vdm_bag *b);
/* A finding of who lists the files: a link, a device. */
void vdm_bag_fault(struct vdm_bag *b, const char *format, ...) VDM_PRINTF(2, 3);

/* A sum that is needed besides those of the manifests; before vdm_bag_listed. */
void vdm_bag_need(struct vdm_bag *b, enum vdm_sum_kind kind);
/* All files are added. */
void vdm_bag_listed(struct vdm_bag *b);
/* The sums that its manifests need, as bits (1 << kind). */
unsigned vdm_bag_sums(const struct vdm_bag *b);
/* Are the bytes of this file needed? */
bool vdm_bag_wants_text(const struct vdm_bag *b, struct vdm_bytes name);
/* The sums of a file that was added, at [kind]; its bytes, where they are wanted. Fails without memory, or
 * where all tag files together have more than VDM_BAG_TEXT_MAX bytes. */
bool vdm_bag_fill(struct vdm_bag *b, struct vdm_bytes name,
                  const uint8_t sums[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX], struct vdm_bytes text,
                  struct vdm_err *err) VDM_MUST_CHECK;

/* One that was filled in; NULL: there is none. */
const uint8_t *vdm_bag_sum(const struct vdm_bag *b, struct vdm_bytes name, enum vdm_sum_kind kind);

bool vdm_bag_judge(struct vdm_bag *b, struct vdm_err *err) VDM_MUST_CHECK;

/* What was found: all are counted, VDM_FINDINGS_MAX are kept. NUL-terminated, with names as they are. */
size_t vdm_bag_findings(const struct vdm_bag *b);
size_t vdm_bag_notices(const struct vdm_bag *b);
const char *vdm_bag_finding(const struct vdm_bag *b, size_t i);
const char *vdm_bag_notice(const struct vdm_bag *b, size_t i);

/* What bag-info.txt says, in its order, in UTF-8. */
struct vdm_bag_element {
    struct vdm_bytes label, value;
};
size_t vdm_bag_elements(const struct vdm_bag *b);
struct vdm_bag_element vdm_bag_element(const struct vdm_bag *b, size_t i);
/* "BagIt 1.0, sha256 sha512": the version and the manifests that every file was checked with. */
void vdm_bag_describe(const struct vdm_bag *b, struct vdm_buf *out);

#endif
