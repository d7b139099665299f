/* SPDX-License-Identifier: MIT */
#include "unit/capture/scratch.h"

#include "base/limits.h"
#include "capture/path.h"

/* One path with a cache of its own; "" where it is refused. */
static const char *canonical(const char *base, struct vdm_bytes path, char *out, size_t cap)
{
    struct vdm_path_cache cache = {0};
    struct vdm_buf b = {0};
    struct vdm_err err;
    vdm_buf_puts(&b, "before");
    if (vdm_path_canonical(&cache, base, path, &b, &err))
        snprintf(out, cap, "%.*s", (int)(b.n - 6), (const char *)b.p + 6);
    else
        out[0] = 0;
    if (!out[0])
        assert_int_equal(b.n, 6);
    vdm_buf_release(&b);
    vdm_path_cache_release(&cache);
    return out;
}

static void expect(const char *base, const char *path, const char *folder, const char *rest)
{
    char seen[8192], wanted[8192];
    snprintf(wanted, sizeof wanted, "%s%s", folder, rest);
    assert_string_equal(canonical(base, vdm_str(path), seen, sizeof seen), wanted);
}

static void test_forms(void **state)
{
    const char *here = *state;
    assert_int_equal(mkdir("a", 0755), 0);
    assert_int_equal(mkdir("a/b", 0755), 0);
    expect(NULL, "x", here, "/x");
    expect(NULL, "./x", here, "/x");
    expect(NULL, "a//b/./x", here, "/a/b/x");
    expect(NULL, "a/b/../../x", here, "/x");
    expect(here, "a/b/../x", here, "/a/x");
    expect(here, "/x", "", "/x");
    expect(NULL, "/tmp/../x", "", "/x");
    expect(here, "/../../x", "", "/x");
    expect("/", "tmp/x", "", "/tmp/x");
    expect("/", "x", "", "/x");
    expect(NULL, "a/ne\nw \xff", here, "/a/ne\nw \xff");
}

static void test_links(void **state)
{
    const char *here = *state;
    assert_int_equal(mkdir("real", 0755), 0);
    assert_int_equal(mkdir("real/sub", 0755), 0);
    assert_int_equal(symlink("real/sub", "way"), 0);
    put_text("real/file", "x");
    assert_int_equal(symlink("real/file", "other"), 0);
    expect(NULL, "way/x", here, "/real/sub/x");
    expect(here, "way/x", here, "/real/sub/x");
    expect(NULL, "way/../x", here, "/real/x"); /* as the system sees it, not as the text reads */
    expect(NULL, "other", here, "/other");
}

static void test_missing_folder(void **state)
{
    const char *here = *state;
    expect(here, "no/such/../x", here, "/no/x");
    expect(here, "no/./such//x", here, "/no/such/x");
    expect("/no", "../../../x", "", "/x");
    expect(NULL, "no/x", "", ""); /* relative to the current folder there is nothing to go by */
}

static void test_refused(void **state)
{
    const char *here = *state;
    static const char *const bad[] = {"", ".", "..", "a/", "a/.", "a/..", "/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(here, bad[i], "", "");
    char seen[8192];
    assert_string_equal(canonical(here, VDM_LIT("a\0b"), seen, sizeof seen), "");
    assert_string_equal(canonical(here, VDM_LIT("a\0b/c"), seen, sizeof seen), "");
}

static void test_length(void **state)
{
    (void)state;
    char path[VDM_PATH_MAX_BYTES + 2], seen[8192];
    memset(path, 'a', sizeof path);
    for (size_t i = 0; i < sizeof path; i += 200)
        path[i] = '/';
    path[VDM_PATH_MAX_BYTES] = 0;
    assert_string_equal(canonical("/", vdm_str(path), seen, sizeof seen), path);
    path[VDM_PATH_MAX_BYTES] = 'a';
    path[VDM_PATH_MAX_BYTES + 1] = 0;
    assert_string_equal(canonical("/", vdm_str(path), seen, sizeof seen), "");
}

static void test_cache_does_not_mix_folders(void **state)
{
    struct vdm_path_cache cache = {0};
    struct vdm_buf out = {0};
    struct vdm_err err;
    char wanted[4096];
    assert_int_equal(mkdir("a", 0755), 0);
    for (int i = 0; i < 4; i++) {
        vdm_buf_clear(&out);
        assert_true(vdm_path_canonical(&cache, NULL, vdm_str(i & 1 ? "a/x" : "x"), &out, &err));
        snprintf(wanted, sizeof wanted, "%s%s", (const char *)*state, i & 1 ? "/a/x" : "/x");
        assert_bytes(vdm_buf_bytes(&out), wanted);
    }
    vdm_buf_release(&out);
    vdm_path_cache_release(&cache);
}

static void test_name(void **state)
{
    (void)state;
    assert_bytes(vdm_path_name(vdm_str("/a/b")), "b");
    assert_bytes(vdm_path_name(vdm_str("b")), "b");
    assert_bytes(vdm_path_name(vdm_str("a/")), "");
    assert_bytes(vdm_path_name(vdm_str("")), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(test_forms),          SCRATCH_TEST(test_links),
        SCRATCH_TEST(test_missing_folder), SCRATCH_TEST(test_refused),
        SCRATCH_TEST(test_length),         SCRATCH_TEST(test_cache_does_not_mix_folders),
        cmocka_unit_test(test_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
