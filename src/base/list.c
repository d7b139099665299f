/* SPDX-License-Identifier: MIT */
#include "base/list.h"

#include <stdlib.h>
#include <string.h>

bool vdm_list_grow(void *array, size_t n, size_t *cap, size_t width, struct vdm_err *err)
{
    void *now;
    if (n < *cap)
        return true;
    if (*cap > SIZE_MAX / 2)
        return vdm_fail_memory(err);
    size_t more = *cap ? *cap * 2 : 64;
    memcpy(&now, array, sizeof now); /* it is a pointer, but not to void */
    void *grown = reallocarray(now, more, width);
    if (!grown)
        return vdm_fail_memory(err);
    memcpy(array, &grown, sizeof grown);
    *cap = more;
    return true;
}

size_t vdm_list_place(const void *array, size_t n, size_t width, const void *wanted,
                      int (*compare)(const void *element, const void *wanted))
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (compare((const char *)array + mid * width, wanted) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

int vdm_list_by_number(const void *element, const void *wanted)
{
    uint64_t a, b;
    memcpy(&a, element, sizeof a);
    memcpy(&b, wanted, sizeof b);
    return (a > b) - (a < b);
}
