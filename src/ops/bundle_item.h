/* SPDX-License-Identifier: MIT */
/* Reading what is shown of an item of a bundle, record or disclosure alike. */
#ifndef VDM_OPS_BUNDLE_ITEM_H
#define VDM_OPS_BUNDLE_ITEM_H

#include "format/record.h"
#include "ops/verify_bundle.h"

/* The first value of a field, as it stands (escaped); n == 0: none, or hidden. */
struct vdm_bytes vdm_item_value(const struct vdm_bundle_item *item, enum vdm_field f);

/* Every line that is shown, in order; `told` gets the field and its value as it stands. */
typedef void vdm_item_line_fn(void *ctx, enum vdm_field f, struct vdm_bytes value);
void vdm_item_lines(const struct vdm_bundle_item *item, vdm_item_line_fn *told, void *ctx);

/* The numbers of the lines that are not shown, rising: the next one, or false at the end. *rest starts
 * as vdm_item_disclosure, which is empty where all is shown. The line after `secret` has the number 0. */
struct vdm_bytes vdm_item_disclosure(const struct vdm_bundle_item *item);
bool vdm_item_next_hidden(struct vdm_bytes *rest, uint64_t *number);

#endif
