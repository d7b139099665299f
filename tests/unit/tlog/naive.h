/* SPDX-License-Identifier: MIT */
/* The definitions of RFC 9162 section 2.1 word for word, recursive and slow, sharing nothing with
 * the code under test but SHA-256; and a tree kept in memory as tiles. */
#ifndef VDM_TESTS_UNIT_TLOG_NAIVE_H
#define VDM_TESTS_UNIT_TLOG_NAIVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tlog/tile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED __attribute__((unused))

UNUSED static void assert_digest(struct vdm_digest got, struct vdm_digest want)
{
    assert_memory_equal(got.b, want.b, sizeof want.b);
}

UNUSED static void assert_hex(struct vdm_digest got, const char *want)
{
    char hex[65];
    vdm_digest_hex(got, hex);
    assert_string_equal(hex, want);
}

UNUSED static struct vdm_digest naive_leaf(struct vdm_crypto *c, struct vdm_bytes data)
{
    const struct vdm_bytes parts[] = {VDM_LIT("\0"), data};
    return vdm_sha256_parts(c, parts, 2);
}

/* Leaf n of the test trees: the entry is the text `entry <n>`. */
UNUSED static struct vdm_digest naive_entry(struct vdm_crypto *c, uint64_t n)
{
    char text[32];
    snprintf(text, sizeof text, "entry %llu", (unsigned long long)n);
    return naive_leaf(c, vdm_str(text));
}

static struct vdm_digest naive_node(struct vdm_crypto *c, struct vdm_digest l, struct vdm_digest r)
{
    const struct vdm_bytes parts[] = {VDM_LIT("\1"), vdm_digest_bytes(&l), vdm_digest_bytes(&r)};
    return vdm_sha256_parts(c, parts, 3);
}

/* The largest power of two below n. */
static size_t naive_split(size_t n)
{
    size_t k = 1;
    while (k < n - k)
        k *= 2;
    return k;
}

static struct vdm_digest naive_mth(struct vdm_crypto *c, const struct vdm_digest *d, size_t n)
{
    if (n == 0)
        return vdm_sha256(c, VDM_LIT(""));
    if (n == 1)
        return d[0];
    size_t k = naive_split(n);
    return naive_node(c, naive_mth(c, d, k), naive_mth(c, d + k, n - k));
}

UNUSED static size_t naive_path(struct vdm_crypto *c, size_t m, const struct vdm_digest *d,
                                size_t n, struct vdm_digest *out)
{
    if (n == 1)
        return 0;
    size_t k = naive_split(n), used;
    if (m < k) {
        used = naive_path(c, m, d, k, out);
        out[used] = naive_mth(c, d + k, n - k);
    } else {
        used = naive_path(c, m - k, d + k, n - k, out);
        out[used] = naive_mth(c, d, k);
    }
    return used + 1;
}

UNUSED static size_t naive_subproof(struct vdm_crypto *c, size_t m, const struct vdm_digest *d,
                                    size_t n, bool whole, struct vdm_digest *out)
{
    if (m == n) {
        if (!whole)
            out[0] = naive_mth(c, d, n);
        return whole ? 0 : 1;
    }
    size_t k = naive_split(n), used;
    if (m <= k) {
        used = naive_subproof(c, m, d, k, whole, out);
        out[used] = naive_mth(c, d + k, n - k);
    } else {
        used = naive_subproof(c, m - k, d + k, n - k, false, out);
        out[used] = naive_mth(c, d, k);
    }
    return used + 1;
}

/* What every group of tests stands on. */
#define TREE_MAX 70000
struct fixture {
    struct vdm_crypto *crypto;
    struct vdm_digest *leaves; /* TREE_MAX of them */
};

UNUSED static int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct vdm_err err;
    if (!f || !vdm_crypto_open(&f->crypto, &err) ||
        !(f->leaves = calloc(TREE_MAX, sizeof *f->leaves)))
        return -1;
    for (size_t i = 0; i < TREE_MAX; i++)
        f->leaves[i] = naive_entry(f->crypto, i);
    *state = f;
    return 0;
}

UNUSED static int fixture_close(void **state)
{
    struct fixture *f = *state;
    vdm_crypto_close(f->crypto);
    free(f->leaves);
    free(f);
    return 0;
}

/* Tiles in memory, each level one run of hashes. Reading asserts that a tile is asked for as it is
 * in a tree of `size` leaves; writing asserts that tiles only grow. Call number `fail_at` fails. */
struct memory {
    struct vdm_digest *levels[3];
    size_t count[3];
    uint64_t size;
    unsigned reads, writes;
    unsigned fail_at; /* 0: never */
};

UNUSED static void memory_open(struct memory *m)
{
    static const size_t room[3] = {TREE_MAX + 256, 512, 256};
    *m = (struct memory){0};
    for (int i = 0; i < 3; i++) {
        m->levels[i] = calloc(room[i], sizeof *m->levels[i]);
        assert_non_null(m->levels[i]);
    }
}

UNUSED static void memory_close(struct memory *m)
{
    for (int i = 0; i < 3; i++)
        free(m->levels[i]);
}

UNUSED static bool memory_read(void *ctx, uint8_t level, uint64_t index, unsigned width,
                               struct vdm_digest *hashes, struct vdm_err *err)
{
    struct memory *m = ctx;
    if (++m->reads == m->fail_at)
        return vdm_fail(err, "planted");
    assert_true(level < 3);
    uint64_t first = index * 256, there = m->size >> (8 * level);
    assert_true(first < there);
    assert_int_equal(width, there - first < 256 ? there - first : 256);
    assert_true(first + width <= m->count[level]);
    memcpy(hashes, m->levels[level] + first, width * sizeof *hashes);
    return true;
}

UNUSED static bool memory_write(void *ctx, uint8_t level, uint64_t index, unsigned width,
                                const struct vdm_digest *hashes, struct vdm_err *err)
{
    struct memory *m = ctx;
    if (++m->writes == m->fail_at)
        return vdm_fail(err, "planted");
    assert_true(level < 3);
    assert_in_range(width, 1, 256);
    size_t first = (size_t)index * 256, had = m->count[level];
    /* Nothing is skipped, nothing written again that has not grown. */
    assert_true(first <= had && first + width > had);
    assert_memory_equal(m->levels[level] + first, hashes, (had - first) * sizeof *hashes);
    memcpy(m->levels[level] + first, hashes, width * sizeof *hashes);
    m->count[level] = first + width;
    return true;
}

/* The tiles of all the leaves from `leaves` on, made from the definition. */
UNUSED static void memory_fill(struct memory *m, struct vdm_crypto *c,
                               const struct vdm_digest *leaves, size_t n)
{
    const struct vdm_digest *below = leaves;
    for (int level = 0; level < 3; level++) {
        for (size_t i = 0; i < n; i++)
            m->levels[level][i] = level == 0 ? below[i] : naive_mth(c, below + i * 256, 256);
        m->count[level] = n;
        below = m->levels[level];
        n /= 256;
    }
}

/* A tree of any size in which all leaves are alike, so that a subtree is known by its size. */
struct alike {
    struct vdm_crypto *crypto;
    struct vdm_digest perfect[64]; /* by height */
    uint64_t size;
    unsigned reads;
};

UNUSED static void alike_init(struct alike *a, struct vdm_crypto *c)
{
    *a = (struct alike){.crypto = c, .perfect = {naive_entry(c, 0)}};
    for (int h = 1; h < 64; h++)
        a->perfect[h] = naive_node(c, a->perfect[h - 1], a->perfect[h - 1]);
}

UNUSED static int alike_split(uint64_t n) /* height of the left subtree, n > 1 */
{
    return 63 - __builtin_clzll(n - 1);
}

UNUSED static struct vdm_digest alike_root(const struct alike *a, uint64_t n)
{
    if (n == 1)
        return a->perfect[0];
    int k = alike_split(n);
    return naive_node(a->crypto, a->perfect[k], alike_root(a, n - (UINT64_C(1) << k)));
}

UNUSED static size_t alike_path(const struct alike *a, uint64_t m, uint64_t n,
                                struct vdm_digest *out)
{
    if (n == 1)
        return 0;
    int k = alike_split(n);
    uint64_t left = UINT64_C(1) << k;
    size_t used = m < left ? alike_path(a, m, left, out) : alike_path(a, m - left, n - left, out);
    out[used] = m < left ? alike_root(a, n - left) : a->perfect[k];
    return used + 1;
}

UNUSED static bool alike_read(void *ctx, uint8_t level, uint64_t index, unsigned width,
                              struct vdm_digest *hashes, struct vdm_err *err)
{
    (void)err;
    struct alike *a = ctx;
    a->reads++;
    uint64_t first = index * 256, there = a->size >> (8 * level);
    assert_true(first < there);
    assert_int_equal(width, there - first < 256 ? there - first : 256);
    for (unsigned i = 0; i < width; i++)
        hashes[i] = a->perfect[8 * level];
    return true;
}

#endif
