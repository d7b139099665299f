/* SPDX-License-Identifier: MIT */
/* Items of a bundle, told: which there are, what became of each, which of its lines are hidden. */
#ifndef VDM_CLI_ITEM_H
#define VDM_CLI_ITEM_H

#include "cli/cli.h"
#include "ops/verify_bundle.h"

/* One item in a line (with -v), and in another one that it is amended. */
void vdm_item_print(const struct vdm_bundle_item *item);
/* In words. */
const char *vdm_item_state(const struct vdm_bundle_item *item);
const char *vdm_item_document_words(enum vdm_item_document d);
/* Of an amended one, whose record is shown: the amendment's, which has a time and a signer of its own. */
void vdm_item_put_amended(FILE *to, const struct vdm_bundle_item *item);
/* Which lines of a PARTLY DISCLOSED one are hidden, by number. */
void vdm_item_put_hidden(FILE *to, const struct vdm_bundle_item *item);
/* How and by whose decision it is WITHDRAWN; `put` writes an escaped value so that it is safe there. */
typedef void vdm_item_value_fn(FILE *to, struct vdm_bytes value);
void vdm_item_put_withdrawal(FILE *to, const struct vdm_item_withdrawal *w, vdm_item_value_fn *put);

/* What is told below the verdict, kept while the bundle is read: VDM_FINDINGS_MAX items at most, the
 * others are counted. Zero-initialise; release. */
struct vdm_items {
    uint64_t n;           /* --json: all; else those that are WITHDRAWN or PARTLY DISCLOSED */
    struct vdm_buf lines; /* of these */
    json_t *json;         /* an array of objects; NULL: none yet, or no memory */
    bool no_memory;       /* a line could not be kept */
};
void vdm_items_release(struct vdm_items *items);
void vdm_items_add(struct vdm_items *items, const struct vdm_bundle_item *item, bool json);
void vdm_items_print(const struct vdm_items *items);
json_t *vdm_items_json(struct vdm_items *items); /* the caller's from now on */

#endif
