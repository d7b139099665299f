/* SPDX-License-Identifier: MIT */
#include "capture/container_lines.h"

#include "base/limits.h"
#include "capture/container_wire.h"

#include <stdlib.h>
#include <string.h>

bool vdm_stated_lines_make(struct vdm_stated_lines *l)
{
    l->line = calloc(VDM_MEMBER_LINES_MAX, sizeof *l->line);
    l->text = malloc(VDM_MEMBER_TEXT_MAX + VDM_REASON_MAX);
    return l->line && l->text;
}

void vdm_stated_lines_release(struct vdm_stated_lines *l)
{
    free(l->line);
    free(l->text);
}

/* Fields that the parent writes itself, or that there are none, are not the worker's to state. */
bool vdm_stated_lines_add(struct vdm_stated_lines *to, unsigned field, struct vdm_bytes value)
{
    enum vdm_field f = (enum vdm_field)field;
    if (field < VDM_FIELD_COLLECTION || field >= VDM_FIELDS || f == VDM_FIELD_DERIVED_FROM ||
        value.n == 0 || to->n == VDM_MEMBER_LINES_MAX ||
        value.n > VDM_MEMBER_TEXT_MAX + VDM_REASON_MAX - to->used)
        return false;
    for (size_t k = 0; k < to->n && !vdm_field_repeats(f); k++)
        if (to->line[k].field == f)
            return true;
    memcpy(to->text + to->used, value.p, value.n);
    to->line[to->n++] = (struct vdm_record_line){f, {to->text + to->used, value.n}};
    to->used += value.n;
    return true;
}
