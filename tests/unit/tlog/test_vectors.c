/* SPDX-License-Identifier: MIT */
/* Vectors of other people and of other implementations, read where they lie; skipped where they do
 * not. */
#include "unit/tlog/naive.h"

#include "base/file.h"
#include "base/text.h"

#include <fcntl.h>
#include <fts.h>
#include <jansson.h>
#include <unistd.h>

static int open_vectors(const char *path)
{
    char name[VDM_PATH_MAX_BYTES];
    const char *shared = getenv("VIDIMUS_SHARED");
    snprintf(name, sizeof name, "%s/vectors/%s", shared ? shared : VDM_SOURCE_DIR "/../shared",
             path);
    int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        skip();
    return fd;
}

static void read_whole(int dir, const char *path, struct vdm_buf *out)
{
    struct vdm_err err = {0};
    if (!vdm_file_read(dir, path, VDM_SMALL_FILE_MAX, out, &err))
        fail_msg("%s: %s", path, err.text);
}

static struct vdm_digest base64_digest(const char *text)
{
    struct vdm_digest d;
    assert_true(vdm_digest_from_base64(vdm_str(text), &d));
    return d;
}

/* ---- Inclusion and consistency proofs in JSON ---- */

/* One file. Some roots are a word instead of 32 bytes, where only their being equal matters: the
 * word's SHA-256 stands in. `sound` is false where a hash is empty: our types cannot hold such a
 * proof, and every reader of ours refuses it. */
struct json_case {
    json_t *json;
    bool sound;
    struct vdm_digest proof[VDM_PROOF_HASHES_MAX];
    size_t n;
};

static struct vdm_digest json_digest(struct vdm_crypto *c, struct json_case *v, const json_t *text)
{
    struct vdm_digest d = {{0}};
    struct vdm_bytes base64 = vdm_str(json_string_value(text));
    if (base64.n == 0)
        v->sound = false;
    else if (!vdm_digest_from_base64(base64, &d))
        d = vdm_sha256(c, base64);
    return d;
}

static uint64_t json_number(const struct json_case *v, const char *key)
{
    double n = json_real_value(json_object_get(v->json, key));
    return n >= 0x1p64 ? UINT64_MAX : (uint64_t)n;
}

static void json_case_read(struct vdm_crypto *c, struct json_case *v, const char *path)
{
    /* Some numbers are beyond 2^63, which jansson takes as reals only. */
    *v = (struct json_case){.json = json_load_file(path, JSON_DECODE_INT_AS_REAL, NULL),
                            .sound = true};
    assert_non_null(v->json);
    size_t i;
    json_t *hash;
    json_array_foreach(json_object_get(v->json, "proof"), i, hash)
    {
        assert_true(v->n < VDM_PROOF_HASHES_MAX);
        v->proof[v->n++] = json_digest(c, v, hash);
    }
}

enum answer { NO, YES, NOT_OURS };

static enum answer answer_inclusion(struct vdm_crypto *c, struct json_case *v, uint64_t start,
                                    uint64_t end)
{
    uint64_t index = json_number(v, "leafIdx");
    struct vdm_digest leaf = json_digest(c, v, json_object_get(v->json, "leafHash"));
    struct vdm_digest root = json_digest(c, v, json_object_get(v->json, "root"));
    return v->sound && index >= start &&
           vdm_inclusion_valid(c, index - start, end - start, leaf, root, v->proof, v->n);
}

static enum answer answer_consistency(struct vdm_crypto *c, struct json_case *v,
                                      const char *old_key, const char *new_key)
{
    struct vdm_digest old_root = json_digest(c, v, json_object_get(v->json, "root1"));
    struct vdm_digest new_root = json_digest(c, v, json_object_get(v->json, "root2"));
    return v->sound && vdm_consistency_valid(c, json_number(v, old_key), old_root,
                                             json_number(v, new_key), new_root, v->proof, v->n);
}

/* Leaves start to end - 1 make a tree of their own where start is a multiple of a power of two that
 * is at least their number; other ranges are no subtree, and not ours to judge. */
static enum answer answer_subtree_inclusion(struct vdm_crypto *c, struct json_case *v)
{
    uint64_t start = json_number(v, "start"), end = json_number(v, "end"), power = 1;
    while (end > start && power < end - start && power < UINT64_C(1) << 62)
        power *= 2;
    if (end <= start || power < end - start || start % power != 0)
        return NOT_OURS;
    return answer_inclusion(c, v, start, end);
}

/* A subtree that starts at 0 is an older tree; the others, and the empty one, are not ours. */
static enum answer answer_subtree_consistency(struct vdm_crypto *c, struct json_case *v)
{
    if (json_number(v, "start") != 0 || json_number(v, "end") == 0)
        return NOT_OURS;
    return answer_consistency(c, v, "end", "size");
}

struct tally {
    unsigned files, good, bad, not_ours;
};

static void judge(struct vdm_crypto *c, const char *path, struct tally *t)
{
    struct json_case v;
    json_case_read(c, &v, path);
    enum answer answer = strstr(path, "/subtreeinclusion/")     ? answer_subtree_inclusion(c, &v)
                         : strstr(path, "/subtreeconsistency/") ? answer_subtree_consistency(c, &v)
                         : strstr(path, "/inclusion/")
                             ? answer_inclusion(c, &v, 0, json_number(&v, "treeSize"))
                             : answer_consistency(c, &v, "size1", "size2");
    bool want = !json_is_true(json_object_get(v.json, "wantErr"));
    t->files++;
    if (answer == NOT_OURS)
        t->not_ours++;
    else if ((answer == YES) == want)
        ++*(want ? &t->good : &t->bad);
    else
        fail_msg("%s: expected %s", path, want ? "valid" : "invalid");
    json_decref(v.json);
}

static struct tally judge_all(struct vdm_crypto *c, const char *name)
{
    int dir = open_vectors(name);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d/.", dir);
    char *const roots[] = {path, NULL};
    struct tally t = {0};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    assert_non_null(walk);
    /* The kind of a proof stands in its folder's name. */
    for (FTSENT *e; (e = fts_read(walk));)
        if (e->fts_info == FTS_F && strstr(e->fts_name, ".json"))
            judge(c, e->fts_path, &t);
    fts_close(walk);
    close(dir);
    return t;
}

static void json_proofs(void **state)
{
    struct fixture *f = *state;
    struct tally t = judge_all(f->crypto, "merkle-proofs/testdata");
    assert_int_equal(t.files, 518);
    assert_int_equal(t.good, 30);
    assert_int_equal(t.bad, 442);
    assert_int_equal(t.not_ours, 46);
}

/* ---- A tree of 70000 leaves ---- */

static void hash_of_tile(struct fixture *f, struct memory *m, const char *path, const char *want)
{
    for (uint8_t level = 0; level < 3; level++)
        for (uint64_t index = 0; vdm_tile_width(level, index, TREE_MAX) > 0; index++) {
            char name[VDM_TILE_PATH_SIZE];
            unsigned width = vdm_tile_width(level, index, TREE_MAX);
            vdm_tile_path(level, index, width, name);
            if (strcmp(name, path) == 0) {
                const uint8_t *p = m->levels[level][index * 256].b;
                assert_hex(vdm_sha256(f->crypto, (struct vdm_bytes){p, (size_t)width * 32}), want);
                return;
            }
        }
    fail_msg("no tile %s", path);
}

static void same_proof(const struct vdm_tree_proof *got, const json_t *want)
{
    assert_int_equal(got->n, json_array_size(want));
    for (size_t i = 0; i < got->n; i++)
        assert_digest(got->hashes[i], base64_digest(json_string_value(json_array_get(want, i))));
}

static void write_tree(struct fixture *f, struct memory *m)
{
    struct vdm_tile_writer *w = malloc(sizeof *w);
    assert_non_null(w);
    struct vdm_tiles none = {f->crypto, memory_read, m};
    assert_true(vdm_tile_writer_init(w, &none, 0, memory_write, m, NULL));
    for (size_t i = 0; i < TREE_MAX; i++)
        assert_true(vdm_tile_writer_append(w, f->leaves[i], NULL));
    assert_true(vdm_tile_writer_flush(w, NULL));
    free(w);
}

static void tree_of_70000(void **state)
{
    struct fixture *f = *state;
    int dir = open_vectors("derived");
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    read_whole(dir, "tree70000.json", &text);
    close(dir);
    json_t *json = json_loadb((const char *)text.p, text.n, 0, NULL);
    assert_non_null(json);
    const char *root_text = json_string_value(json_object_get(json, "root_b64"));
    const char *old_text = json_string_value(json_object_get(json, "root_65537_b64"));

    struct memory m;
    memory_open(&m);
    write_tree(f, &m);
    struct vdm_tiles tiles = {f->crypto, memory_read, &m};
    struct vdm_digest root;
    struct vdm_tree_proof proof;
    m.size = 65537;
    assert_true(vdm_tiles_root(&tiles, 65537, &root, NULL));
    assert_digest(root, base64_digest(old_text));
    m.size = TREE_MAX;
    assert_true(vdm_tiles_root(&tiles, TREE_MAX, &root, NULL));
    assert_digest(root, base64_digest(root_text));
    assert_true(vdm_tiles_inclusion(&tiles, 69999, TREE_MAX, &proof, NULL));
    same_proof(&proof, json_object_get(json, "inclusion_69999"));
    assert_true(vdm_tiles_consistency(&tiles, 65537, TREE_MAX, &proof, NULL));
    same_proof(&proof, json_object_get(json, "consistency_65537_to_70000"));

    const char *path;
    json_t *want;
    json_object_foreach(json_object_get(json, "sha256"), path, want)
        hash_of_tile(f, &m, path, json_string_value(want));
    memory_close(&m);
    json_decref(json);
}

/* ---- Logs as others publish them ---- */

/* Tiles as files below a folder. */
static bool read_tile_file(void *ctx, uint8_t level, uint64_t index, unsigned width,
                           struct vdm_digest *hashes, struct vdm_err *err)
{
    char path[VDM_TILE_PATH_SIZE];
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_tile_path(level, index, width, path);
    if (!vdm_file_read(*(int *)ctx, path, VDM_TILE_WIDTH * sizeof *hashes, &bytes, err))
        return false;
    if (bytes.n != width * sizeof *hashes)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "%zu bytes", bytes.n);
    memcpy(hashes, bytes.p, bytes.n);
    return true;
}

/* The size and root of a checkpoint: its second and third line. */
static void read_checkpoint(int dir, const char *path, uint64_t *size, struct vdm_digest *root)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    read_whole(dir, path, &note);
    struct vdm_bytes rest = vdm_buf_bytes(&note), line;
    assert_true(vdm_cut_line(&rest, &line) && vdm_cut_line(&rest, &line));
    assert_true(vdm_number_decode(line, size));
    assert_true(vdm_cut_line(&rest, &line) && vdm_digest_from_base64(line, root));
}

/* Leaf hashes from an entry bundle: 16 bits of length, highest byte first, and the entry. */
static void read_bundle(struct vdm_crypto *c, int dir, unsigned width, struct vdm_digest *leaves)
{
    char path[VDM_TILE_PATH_SIZE];
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_tile_entries_path(0, width, path);
    read_whole(dir, path, &bytes);
    struct vdm_bytes rest = vdm_buf_bytes(&bytes);
    for (unsigned i = 0; i < width; i++) {
        assert_true(rest.n >= 2);
        size_t n = (size_t)rest.p[0] << 8 | rest.p[1];
        rest = vdm_bytes_skip(rest, 2);
        assert_true(rest.n >= n);
        leaves[i] = vdm_tlog_leaf(c, (struct vdm_bytes){rest.p, n});
        rest = vdm_bytes_skip(rest, n);
    }
    assert_int_equal(rest.n, 0);
}

static void check_log_size(struct fixture *f, int dir, unsigned n, struct vdm_digest *roots)
{
    char path[32];
    struct vdm_tiles tiles = {f->crypto, read_tile_file, &dir};
    struct vdm_digest got, leaves[16], tile[16];
    struct vdm_tree_proof proof;
    uint64_t size;
    snprintf(path, sizeof path, "checkpoint.%u", n);
    read_checkpoint(dir, path, &size, &roots[n]);
    assert_int_equal(size, n);
    assert_true(vdm_tiles_root(&tiles, n, &got, NULL));
    assert_digest(got, roots[n]);
    if (n == 0)
        return;
    read_bundle(f->crypto, dir, n, leaves);
    assert_true(read_tile_file(&dir, 0, 0, n, tile, NULL));
    assert_memory_equal(tile, leaves, n * sizeof *leaves);
    for (unsigned i = 0; i < n; i++) {
        assert_true(vdm_tiles_inclusion(&tiles, i, n, &proof, NULL));
        assert_true(
            vdm_inclusion_valid(f->crypto, i, n, leaves[i], roots[n], proof.hashes, proof.n));
    }
    for (unsigned m = 1; m <= n; m++) {
        assert_true(vdm_tiles_consistency(&tiles, m, n, &proof, NULL));
        assert_true(
            vdm_consistency_valid(f->crypto, m, roots[m], n, roots[n], proof.hashes, proof.n));
    }
}

static void tessera_log(void **state)
{
    int dir = open_vectors("tessera-testlog/testdata/log");
    struct vdm_digest roots[16];
    for (unsigned n = 0; n <= 15; n++)
        check_log_size(*state, dir, n, roots);
    close(dir);
}

/* Takes note of the one hash of tile/1/000.p/1. */
static bool keep_level_1(void *ctx, uint8_t level, uint64_t index, unsigned width,
                         const struct vdm_digest *hashes, struct vdm_err *err)
{
    (void)err;
    if (level == 1 && index == 0 && width == 1)
        *(struct vdm_digest *)ctx = hashes[0];
    return true;
}

/* The hash of a full tile, as another implementation stored it one level up. */
static void sunlight_tiles(void **state)
{
    struct fixture *f = *state;
    int dir = open_vectors("sunlight-skylight/cmd/skylight/testdata/witness/mirror/"
                           "000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706");
    struct vdm_digest leaves[300], level_1, made = {{0}};
    assert_true(read_tile_file(&dir, 0, 0, 256, leaves, NULL));
    assert_true(read_tile_file(&dir, 0, 1, 44, leaves + 256, NULL));
    assert_true(read_tile_file(&dir, 1, 0, 1, &level_1, NULL));

    struct vdm_tiles tiles = {f->crypto, read_tile_file, &dir};
    struct vdm_tile_writer *w = malloc(sizeof *w);
    assert_non_null(w);
    assert_true(vdm_tile_writer_init(w, &tiles, 0, keep_level_1, &made, NULL));
    for (int i = 0; i < 300; i++)
        assert_true(vdm_tile_writer_append(w, leaves[i], NULL));
    assert_true(vdm_tile_writer_flush(w, NULL));
    assert_digest(made, level_1);
    struct vdm_digest root = vdm_tile_writer_root(w), read;
    assert_true(vdm_tiles_root(&tiles, 300, &read, NULL));
    assert_digest(read, root);
    free(w);
    close(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_proofs),
        cmocka_unit_test(tree_of_70000),
        cmocka_unit_test(tessera_log),
        cmocka_unit_test(sunlight_tiles),
    };
    return cmocka_run_group_tests(tests, fixture_open, fixture_close);
}
