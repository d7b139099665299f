/* SPDX-License-Identifier: MIT */
#include "capture/index.h"

#include "capture/table.h"

#include <stdlib.h>

void vdm_row_index_release(struct vdm_row_index *index)
{
    free(index->rows);
    free(index->slots);
    *index = (struct vdm_row_index){0};
}

static void take_slot(uint32_t *slots, size_t count, uint32_t hash, size_t row)
{
    size_t i = hash & (count - 1);
    while (slots[i])
        i = (i + 1) & (count - 1);
    slots[i] = (uint32_t)row + 1;
}

static bool double_slots(struct vdm_row_index *index)
{
    size_t count = index->slot_count ? index->slot_count * 2 : 64;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < index->n; i++)
        take_slot(slots, count, index->rows[i].hash, i);
    free(index->slots);
    index->slots = slots;
    index->slot_count = count;
    return true;
}

static bool grow_rows(struct vdm_row_index *index)
{
    size_t cap = index->cap ? index->cap + index->cap / 2 : 64;
    struct vdm_row_place *rows = realloc(index->rows, cap * sizeof *rows);
    if (!rows)
        return false;
    index->rows = rows;
    index->cap = cap;
    return true;
}

bool vdm_row_index_add(struct vdm_row_index *index, struct vdm_row_place place, struct vdm_err *err)
{
    if (index->n == VDM_TABLE_ROWS_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "more than %u rows", VDM_TABLE_ROWS_MAX);
    if (index->n == index->cap && !grow_rows(index))
        return vdm_fail_memory(err);
    if (index->n * 2 >= index->slot_count && !double_slots(index))
        return vdm_fail_memory(err);
    take_slot(index->slots, index->slot_count, place.hash, index->n);
    index->rows[index->n++] = place;
    return true;
}

struct vdm_row_place *vdm_row_index_next(const struct vdm_row_index *index, uint32_t hash,
                                         size_t *probe)
{
    while (index->slot_count) {
        uint32_t row = index->slots[(hash + (*probe)++) & (index->slot_count - 1)];
        if (!row)
            return NULL;
        if (index->rows[row - 1].hash == hash)
            return &index->rows[row - 1];
    }
    return NULL;
}
