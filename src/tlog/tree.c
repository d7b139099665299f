/* SPDX-License-Identifier: MIT */
#include "tlog/tree.h"

#include <assert.h>
#include <string.h>

struct vdm_digest vdm_tlog_leaf(struct vdm_crypto *c, struct vdm_bytes data)
{
    const uint8_t prefix = 0x00;
    const struct vdm_bytes parts[] = {{&prefix, 1}, data};
    return vdm_sha256_parts(c, parts, 2);
}

struct vdm_digest vdm_tlog_node(struct vdm_crypto *c, struct vdm_digest left,
                                struct vdm_digest right)
{
    uint8_t bytes[1 + sizeof left + sizeof right] = {0x01};
    memcpy(bytes + 1, left.b, sizeof left);
    memcpy(bytes + 1 + sizeof left, right.b, sizeof right);
    return vdm_sha256(c, (struct vdm_bytes){bytes, sizeof bytes});
}

struct vdm_digest vdm_tlog_empty_root(struct vdm_crypto *c)
{
    return vdm_sha256(c, VDM_LIT(""));
}

static unsigned peak_count(const struct vdm_frontier *f)
{
    return (unsigned)__builtin_popcountll(f->size);
}

void vdm_frontier_append(struct vdm_frontier *f, struct vdm_crypto *c, struct vdm_digest leaf)
{
    vdm_frontier_append_subtree(f, c, 0, leaf, NULL);
}

unsigned vdm_frontier_append_subtree(struct vdm_frontier *f, struct vdm_crypto *c, unsigned height,
                                     struct vdm_digest subtree, struct vdm_digest *made)
{
    assert(height < VDM_TREE_PEAKS_MAX);
    uint64_t leaves = UINT64_C(1) << height;
    assert((f->size & (leaves - 1)) == 0 && f->size <= INT64_MAX - leaves);

    /* As in binary addition: each set bit of the size is a peak as high as what arrives, and joins
     * it. */
    unsigned n = peak_count(f);
    struct vdm_digest node = subtree;
    for (uint64_t same = f->size >> height; same & 1; same >>= 1) {
        if (made)
            made[height] = node;
        node = vdm_tlog_node(c, f->peaks[--n], node);
        height++;
    }
    if (made)
        made[height] = node;
    f->peaks[n] = node;
    f->size += leaves;
    return height;
}

struct vdm_digest vdm_frontier_root(const struct vdm_frontier *f, struct vdm_crypto *c)
{
    unsigned n = peak_count(f);
    if (n == 0)
        return vdm_tlog_empty_root(c);
    assert(n <= VDM_TREE_PEAKS_MAX);
    struct vdm_digest root = f->peaks[--n];
    while (n > 0)
        root = vdm_tlog_node(c, f->peaks[--n], root);
    return root;
}
