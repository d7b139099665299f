/* SPDX-License-Identifier: MIT */
#include "tlog/proof.h"

#include "tlog/tree.h"

/* The way from a node up to the root. `at` is the node's index among those of its height, `last`
 * the index of the last one there: fn and sn of the RFC. */
struct climb {
    uint64_t at, last;
    unsigned height;
};

static void rise(struct climb *p)
{
    p->at >>= 1;
    p->last >>= 1;
    p->height++;
}

/* Does the next hash of the proof stand to the left? Then also pass the heights at which our node
 * is the last one and has no sibling: it goes up unchanged. Below the root only: `last` is not 0,
 * so a node that is the last one is not the first, and this ends. */
static bool next_is_left(struct climb *p)
{
    bool left = (p->at & 1) || p->at == p->last;
    while (left && !(p->at & 1))
        rise(p);
    rise(p);
    return left;
}

bool vdm_inclusion_valid(struct vdm_crypto *c, uint64_t index, uint64_t size,
                         struct vdm_digest leaf, struct vdm_digest root,
                         const struct vdm_digest *proof, size_t n)
{
    if (index >= size)
        return false;
    struct climb p = {index, size - 1, 0};
    struct vdm_digest r = leaf;
    for (size_t i = 0; i < n; i++) {
        if (p.last == 0)
            return false;
        r = next_is_left(&p) ? vdm_tlog_node(c, proof[i], r) : vdm_tlog_node(c, r, proof[i]);
    }
    return p.last == 0 && vdm_digest_equal(r, root);
}

/* Is this node, with so many hashes to come, the one that the way before went through at this height, and are the
 * hashes the same from there? */
static bool meets(const struct vdm_inclusion_way *w, const struct climb *p, struct vdm_digest node,
                  const struct vdm_digest *proof, size_t n)
{
    if (n > w->n || w->height[n] != p->height || w->index >> p->height != p->at ||
        !vdm_digest_equal(node, w->node[n]))
        return false;
    while (n > 0 && vdm_digest_equal(*proof, w->hash[n]))
        proof++, n--;
    return n == 0;
}

bool vdm_inclusion_valid_beside(struct vdm_crypto *c, uint64_t index, uint64_t size,
                                struct vdm_digest leaf, struct vdm_digest root,
                                const struct vdm_digest *proof, size_t n,
                                struct vdm_inclusion_way *w)
{
    bool one_tree = w->size == size && vdm_digest_equal(w->root, root);
    struct climb p = {index, size - 1, 0};
    struct vdm_digest r = leaf;
    w->size = 0; /* until this one is shown, too */
    if (index >= size || size > INT64_MAX || n > VDM_PROOF_HASHES_MAX)
        return vdm_inclusion_valid(c, index, size, leaf, root, proof, n);
    for (size_t left = n; !one_tree || !meets(w, &p, r, proof + n - left, left); left--) {
        w->node[left] = r;
        w->height[left] = (uint8_t)p.height;
        if (left == 0 && p.last == 0 && vdm_digest_equal(r, root))
            break;
        if (left == 0 || p.last == 0)
            return false;
        w->hash[left] = proof[n - left];
        r = next_is_left(&p) ? vdm_tlog_node(c, w->hash[left], r)
                             : vdm_tlog_node(c, r, w->hash[left]);
    }
    w->size = size;
    w->index = index;
    w->root = root;
    w->n = n;
    return true;
}

bool vdm_consistency_valid(struct vdm_crypto *c, uint64_t old_size, struct vdm_digest old_root,
                           uint64_t new_size, struct vdm_digest new_root,
                           const struct vdm_digest *proof, size_t n)
{
    if (old_size == 0 || old_size > new_size)
        return false;
    if (old_size == new_size)
        return n == 0 && vdm_digest_equal(old_root, new_root);

    struct climb p = {old_size - 1, new_size - 1, 0};
    while (p.at & 1)
        rise(&p);
    /* Where the old tree is perfect, its root is where the climb starts; else the proof names it.
     */
    size_t i = 0;
    struct vdm_digest start = old_root;
    if (p.at != 0) {
        if (n == 0)
            return false;
        start = proof[i++];
    }
    struct vdm_digest old = start, new = start;
    for (; i < n; i++) {
        if (p.last == 0)
            return false;
        if (next_is_left(&p)) {
            old = vdm_tlog_node(c, proof[i], old);
            new = vdm_tlog_node(c, proof[i], new);
        } else
            new = vdm_tlog_node(c, new, proof[i]);
    }
    return p.last == 0 && vdm_digest_equal(old, old_root) && vdm_digest_equal(new, new_root);
}
