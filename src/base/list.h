/* SPDX-License-Identifier: MIT */
/* Arrays that grow, and arrays in order. Elements are moved by their bytes. */
#ifndef VDM_BASE_LIST_H
#define VDM_BASE_LIST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* Room for one element more of `width` bytes in an array of n. `array`: the address of the pointer to
 * it; it and *cap begin as NULL and 0, and the caller frees it. */
bool vdm_list_grow(void *array, size_t n, size_t *cap, size_t width,
                   struct vdm_err *err) VDM_MUST_CHECK;

/* How many of n elements in rising order stand before `wanted`: where it is, or would be. `compare` as
 * for qsort(3). */
size_t vdm_list_place(const void *array, size_t n, size_t width, const void *wanted,
                      int (*compare)(const void *element, const void *wanted));
/* For elements that are, or begin with, a uint64_t. */
int vdm_list_by_number(const void *element, const void *wanted);

#endif
