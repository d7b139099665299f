/* SPDX-License-Identifier: MIT */
/* A bundle of another archive, as an import meets it: a tar is known for one by its first names, whatever else is in
 * it; and what is then told of it is what the verifier says, no more and no less. */
#include "fuzz/told.h"

#include "base/text.h"
#include "bundle/tar.h"
#include "capture/pack.h"
#include "ops/import_bundle.h"
#include "unit/ops/bundle_kit.h"

/* --- is it one? --- */

/* A plain tar of ours, read header by header: what the recogniser must say of it. False: not all of what counts is
 * such a tar, and libarchive's word is taken. */
static bool plainly(struct vdm_bytes tar, bool *is)
{
    enum { LOOK = 8 };
    const char *reason;
    struct vdm_tar_member m;
    bool bag = false;
    *is = false;
    for (int i = 0; i < LOOK && !*is; i++) {
        if (tar.n < 2 * VDM_TAR_BLOCK || !vdm_tar_header_decode(tar.p, &m, &reason) ||
            m.size > tar.n - VDM_TAR_BLOCK)
            return false;
        const char *name = strchr(m.name, '/');
        if (i == 0)
            bag = name && strcmp(name, "/bagit.txt") == 0;
        *is = i && bag && name &&
              (strcmp(name, "/vidimus/checkpoint") == 0 || strcmp(name, "/vidimus/seal") == 0);
        size_t end = VDM_TAR_BLOCK + (size_t)(m.size + -m.size % VDM_TAR_BLOCK);
        tar = vdm_bytes_skip(tar, end < tar.n ? end : tar.n);
    }
    return true;
}

/* --- what is told of it --- */

static const struct vdm_anchors nobody;

static const struct vdm_anchors *authority(void)
{
    static struct vdm_vkey key;
    static struct vdm_anchors a;
    if (!a.n) {
        key = vkey_of(fuzz_crypto(), "authority");
        a = (struct vdm_anchors){.key = &key, .n = 1};
    }
    return &a;
}

/* By the verifier alone. False: it is no bundle, or it could not be looked at. */
static bool verdict_of(struct vdm_bytes input, const struct vdm_anchors *trusted,
                       enum vdm_verdict *verdict)
{
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    struct vdm_bundle_options o = {.trust = {.key = trusted->key, .keys = trusted->n}};
    struct vdm_report r VDM_CLEANUP(vdm_report_release);
    struct vdm_err err;
    vdm_report_init(&r);
    if (!vdm_verify_bundle(fuzz_crypto(), fd, "fuzz", &o, NULL, &r, &err))
        return false;
    *verdict = vdm_report_verdict(&r);
    return !r.no_memory;
}

static bool is_told(const struct fuzz_told *t, const char *words)
{
    return t->about.n && memmem(t->about.p, t->about.n, words, strlen(words));
}

static void check_told(const struct fuzz_told *t, struct vdm_bytes input,
                       const struct vdm_anchors *trusted)
{
    enum vdm_verdict verdict;
    bool looked = verdict_of(input, trusted, &verdict);
    bool good = looked && (verdict == VDM_VERIFIED || verdict == VDM_INTACT_UNTRUSTED);
    FUZZ_CHECK(t->members == 0 && good == (t->problems == 0));
    FUZZ_CHECK(t->abouts == (good ? 3 : 0));
    FUZZ_CHECK(vdm_utf8_valid(vdm_buf_bytes(&t->about)));
    FUZZ_CHECK(is_told(t, "by the trusted key") == (good && verdict == VDM_VERIFIED));
}

/* Is it good, as they trust? */
static bool check(struct vdm_bytes input, const struct vdm_anchors *trusted)
{
    static const struct vdm_container_format *const formats[] = {&vdm_import_bundle_format, NULL};
    const struct vdm_import_vouching vouching = {fuzz_crypto(), trusted};
    struct fuzz_told told VDM_CLEANUP(fuzz_told_release);
    bool is;
    fuzz_told(&told, formats, input, &vouching);
    FUZZ_CHECK(told.whole);
    if (plainly(input, &is))
        FUZZ_CHECK(told.is == is);
    if (told.is)
        check_told(&told, input, trusted);
    return told.is && told.problems == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    vdm_packed_prepare();
    if (check(input, authority()))
        check(input, &nobody);
    return 0;
}
