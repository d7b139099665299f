/* SPDX-License-Identifier: MIT */
#include "unit/tlog/naive.h"

/* A writer on a tree in memory. */
struct growing {
    struct fixture *base;
    struct memory memory;
    struct vdm_tiles tiles;
    struct vdm_tile_writer *writer;
};

static bool start(struct growing *g, uint64_t size, struct vdm_err *err)
{
    g->memory.size = size;
    g->memory.reads = g->memory.writes = 0;
    return vdm_tile_writer_init(g->writer, &g->tiles, size, memory_write, &g->memory, err);
}

/* With the tiles of `size` leaves there already. */
static void growing_open(struct growing *g, void **state, uint64_t size)
{
    g->base = *state;
    memory_open(&g->memory);
    memory_fill(&g->memory, g->base->crypto, g->base->leaves, size);
    g->tiles = (struct vdm_tiles){g->base->crypto, memory_read, &g->memory};
    g->writer = malloc(sizeof *g->writer);
    assert_non_null(g->writer);
    assert_true(start(g, size, NULL));
}

static void growing_close(struct growing *g)
{
    free(g->writer);
    memory_close(&g->memory);
}

static void append_to(struct growing *g, uint64_t size)
{
    while (g->writer->tree.size < size)
        assert_true(vdm_tile_writer_append(g->writer, g->base->leaves[g->writer->tree.size], NULL));
}

/* What is stored is what the definition says, level by level, and no more. */
static void check_stored(struct growing *g, uint64_t size)
{
    const struct vdm_digest *below = g->base->leaves;
    for (int level = 0; level < 3; level++, size /= 256) {
        assert_int_equal(g->memory.count[level], size);
        for (size_t i = 0; i < size; i++)
            assert_digest(g->memory.levels[level][i],
                          level == 0 ? below[i] : naive_mth(g->base->crypto, below + i * 256, 256));
        below = g->memory.levels[level];
    }
}

static unsigned expected_writes(uint64_t from, uint64_t to)
{
    unsigned writes = 0;
    for (; to > 0; from /= 256, to /= 256)
        writes += (unsigned)(to / 256 - from / 256) + (to != from && to % 256 != 0);
    return writes;
}

static unsigned expected_reads(uint64_t size)
{
    unsigned reads = 0;
    for (; size > 0; size /= 256)
        reads += size % 256 != 0;
    return reads;
}

static void every_size_one_by_one(void **state)
{
    struct growing g;
    growing_open(&g, state, 0);
    for (uint64_t n = 0; n <= 600; n++) {
        struct vdm_digest root = naive_mth(g.base->crypto, g.base->leaves, n), read;
        append_to(&g, n);
        assert_digest(vdm_tile_writer_root(g.writer), root);
        assert_true(vdm_tile_writer_flush(g.writer, NULL));
        g.memory.size = n;
        assert_true(vdm_tiles_root(&g.tiles, n, &read, NULL));
        assert_digest(read, root);
        assert_int_equal(g.memory.count[0], n);
        assert_int_equal(g.memory.count[1], n / 256);
    }
    check_stored(&g, 600);
    growing_close(&g);
}

/* A commit from any size to any other, of a writer that starts there: the tiles, the root, and not
 * a read or write more than needed. */
static void commit(void **state, uint64_t from, uint64_t to)
{
    struct growing g;
    growing_open(&g, state, from);
    assert_int_equal(g.memory.reads, expected_reads(from));
    assert_int_equal(g.writer->tree.size, from);
    assert_digest(vdm_tile_writer_root(g.writer), naive_mth(g.base->crypto, g.base->leaves, from));
    append_to(&g, to);
    assert_digest(vdm_tile_writer_root(g.writer), naive_mth(g.base->crypto, g.base->leaves, to));
    assert_true(vdm_tile_writer_flush(g.writer, NULL));
    assert_int_equal(g.memory.reads, expected_reads(from));
    assert_int_equal(g.memory.writes, expected_writes(from, to));
    check_stored(&g, to);
    growing_close(&g);
}

static void commits_around_tile_edges(void **state)
{
    static const uint64_t sizes[] = {0, 1, 200, 255, 256, 257, 511, 512, 513, 1000};
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
        for (size_t b = a; b < sizeof sizes / sizeof *sizes; b++)
            commit(state, sizes[a], sizes[b]);
}

static void large_commits(void **state)
{
    commit(state, 65534, 65535);
    commit(state, 65535, 65536);
    commit(state, 65536, 65537);
    commit(state, 65300, 65800);
    commit(state, 0, TREE_MAX);
}

static void flush_again_writes_nothing(void **state)
{
    struct growing g;
    growing_open(&g, state, 300);
    assert_true(vdm_tile_writer_flush(g.writer, NULL));
    assert_int_equal(g.memory.writes, 0);
    append_to(&g, 301);
    assert_true(vdm_tile_writer_flush(g.writer, NULL));
    assert_int_equal(g.memory.writes, 1); /* level 1 has not grown */
    assert_true(vdm_tile_writer_flush(g.writer, NULL));
    assert_int_equal(g.memory.writes, 1);
    append_to(&g, 512);
    assert_int_equal(g.memory.writes, 2); /* full: written at once */
    assert_true(vdm_tile_writer_flush(g.writer, NULL));
    assert_int_equal(g.memory.writes, 3);
    growing_close(&g);
}

/* Every read and write in turn fails: the error names the tile, and the writer refuses from then
 * on. */
static void failing_calls(void **state)
{
    struct growing g;
    struct vdm_err err = {0};
    for (unsigned at = 1; at <= expected_reads(65793); at++) {
        growing_open(&g, state, 65793);
        g.memory.fail_at = at;
        assert_false(start(&g, 65793, &err));
        assert_true(strncmp(err.text, "read tile/", 10) == 0 && strstr(err.text, ".p/1: planted"));
        assert_false(vdm_tile_writer_append(g.writer, g.base->leaves[0], NULL));
        assert_false(vdm_tile_writer_flush(g.writer, NULL));
        growing_close(&g);
    }
    unsigned writes = expected_writes(255, 65540);
    for (unsigned at = 1; at <= writes; at++) {
        if (at > 2 && at < writes - 5 && at % 100 != 0)
            continue; /* the last ones are those of the flush */
        growing_open(&g, state, 255);
        g.memory.fail_at = at;
        bool ok = true;
        while (ok && g.writer->tree.size < 65540)
            ok = vdm_tile_writer_append(g.writer, g.base->leaves[g.writer->tree.size], &err);
        ok = ok && vdm_tile_writer_flush(g.writer, &err);
        assert_false(ok);
        assert_int_equal(g.memory.writes, at);
        assert_true(strncmp(err.text, "write tile/", 11) == 0 && strstr(err.text, ": planted"));
        assert_false(vdm_tile_writer_append(g.writer, g.base->leaves[0], &err));
        assert_false(vdm_tile_writer_flush(g.writer, &err));
        assert_int_equal(g.memory.writes, at);
        growing_close(&g);
    }
}

static bool count_write(void *ctx, uint8_t level, uint64_t index, unsigned width,
                        const struct vdm_digest *hashes, struct vdm_err *err)
{
    (void)level, (void)index, (void)width, (void)hashes, (void)err;
    ++*(unsigned *)ctx;
    return true;
}

static void largest_tree(void **state)
{
    struct fixture *f = *state;
    struct alike a;
    alike_init(&a, f->crypto);
    struct vdm_tiles tiles = {f->crypto, alike_read, &a};
    struct vdm_tile_writer *w = malloc(sizeof *w);
    assert_non_null(w);
    unsigned writes = 0;
    struct vdm_err err = {0};
    a.size = VDM_NUMBER_MAX - 1;
    assert_true(vdm_tile_writer_init(w, &tiles, a.size, count_write, &writes, NULL));
    assert_int_equal(a.reads, 7);
    assert_true(vdm_tile_writer_append(w, a.perfect[0], NULL));
    assert_digest(vdm_tile_writer_root(w), alike_root(&a, VDM_NUMBER_MAX));
    assert_false(vdm_tile_writer_append(w, a.perfect[0], &err));
    assert_int_equal(err.kind, VDM_ERR_REFUSED);
    assert_int_equal(w->tree.size, VDM_NUMBER_MAX);
    assert_true(vdm_tile_writer_flush(w, NULL)); /* a refusal is no failed write */
    assert_int_equal(writes, 1);

    assert_false(vdm_tile_writer_init(w, &tiles, VDM_NUMBER_MAX + 1, count_write, &writes, &err));
    assert_int_equal(err.kind, VDM_ERR_USAGE);
    assert_false(vdm_tile_writer_flush(w, NULL));
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_size_one_by_one), cmocka_unit_test(commits_around_tile_edges),
        cmocka_unit_test(large_commits),         cmocka_unit_test(flush_again_writes_nothing),
        cmocka_unit_test(failing_calls),         cmocka_unit_test(largest_tree),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
