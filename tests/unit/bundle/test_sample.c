/* SPDX-License-Identifier: MIT */
/* The bundle among the normative vectors: read to its end, every part decoded, and written again to
 * the same bytes. Skipped where the vectors are not there. */
#include "unit/bundle/support.h"

#include "bundle/layout.h"
#include "bundle/tar.h"

#include <fcntl.h>

struct rebuilt {
    struct vdm_crypto *crypto;
    struct vdm_buf manifest, tagmanifest; /* as the members make them */
    struct vdm_buf claimed_manifest, claimed_tagmanifest;
    uint64_t payload_bytes, payload_files;
    size_t kinds[VDM_LAYOUT_EVIDENCE + 1];
    struct vdm_bag_info info;
};

static void check_text(struct rebuilt *b, const struct vdm_layout_member *m, struct vdm_bytes text)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_selection_decoder d = {0};
    struct vdm_pubkey key;
    if (m->kind == VDM_LAYOUT_BAGIT)
        assert_true(vdm_bagit_valid(text));
    if (m->kind == VDM_LAYOUT_MANIFEST)
        vdm_buf_put(&b->claimed_manifest, text);
    if (m->kind == VDM_LAYOUT_TAGMANIFEST)
        vdm_buf_put(&b->claimed_tagmanifest, text);
    if (m->kind == VDM_LAYOUT_BAG_INFO) {
        assert_true(vdm_bag_info_decode(text, &b->info, NULL));
        assert_true(vdm_bag_info_encode(&b->info, &again, NULL));
        assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), text));
    }
    if (m->kind == VDM_LAYOUT_KEY) {
        assert_true(vdm_key_pem_decode(text, &key));
        assert_true(vdm_pubkey_equal(key, m->key));
    }
    if (m->kind == VDM_LAYOUT_SELECTION) {
        bool found = true;
        uint64_t n, sum = 0;
        while (assert_true(vdm_selection_decode(&d, &text, &found, &n, NULL)), found)
            sum += n;
        assert_true(vdm_selection_end(&d, NULL));
        assert_int_equal(d.count, 4);
        assert_int_equal(sum, 5 + 6 + 7 + 9);
    }
}

static void take_member(struct rebuilt *b, const char *path, struct vdm_bytes content)
{
    struct vdm_layout_member m;
    char again[VDM_LAYOUT_PATH_MAX + 1];
    struct vdm_digest d = vdm_sha256(b->crypto, content);
    assert_true(vdm_layout_decode(vdm_str(path), &m));
    assert_true(vdm_layout_encode(&m, again, NULL));
    assert_string_equal(again, path);
    b->kinds[m.kind]++;
    if (vdm_layout_in_manifest(m.kind)) {
        vdm_manifest_append(&b->manifest, d, path);
        b->payload_bytes += content.n;
        b->payload_files++;
    }
    if (vdm_layout_in_tagmanifest(m.kind))
        vdm_manifest_append(&b->tagmanifest, d, path);
    check_text(b, &m, content);
}

/* Each member through the reader, and through the writer again. */
static void copy_all(struct rebuilt *b, struct vdm_tar_reader *r, struct vdm_stream_writer *out)
{
    struct vdm_tar_writer w = {0};
    struct vdm_tar_member m;
    enum vdm_tar_status status;
    for (;;) {
        struct vdm_buf content VDM_CLEANUP(vdm_buf_release) = {0};
        size_t got = 0;
        assert_true(vdm_tar_reader_next(r, &status, &m, NULL));
        if (status != VDM_TAR_OK)
            break;
        if (!w.out)
            assert_true(vdm_tar_writer_init(&w, out, r->folder, m.mtime, NULL));
        assert_int_equal(m.mtime, w.mtime);
        uint8_t *p = vdm_buf_grow(&content, (size_t)m.size + 1);
        assert_true(vdm_tar_reader_read(r, p, content.n, &got, &status, NULL));
        content.n--;
        assert_int_equal(got, m.size);
        take_member(b, vdm_tar_path(&m), vdm_buf_bytes(&content));
        assert_true(vdm_tar_writer_add(&w, vdm_tar_path(&m), vdm_buf_bytes(&content), NULL));
    }
    assert_int_equal(status, VDM_TAR_END);
    assert_true(vdm_tar_writer_finish(&w, NULL));
    assert_true(vdm_stream_writer_finish(out, NULL));
}

static void check_manifests(const struct rebuilt *b)
{
    struct vdm_bytes rest = vdm_buf_bytes(&b->claimed_tagmanifest), line;
    const uint8_t *end = rest.p + rest.n;
    struct vdm_digest d;
    struct vdm_layout_member m;
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&b->manifest), vdm_buf_bytes(&b->claimed_manifest)));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&b->tagmanifest), rest));
    while (rest.n) {
        const uint8_t *lf = memchr(rest.p, '\n', rest.n);
        assert_non_null(lf);
        line = (struct vdm_bytes){rest.p, (size_t)(lf - rest.p)};
        assert_true(vdm_manifest_line_decode(line, &d, &m));
        rest = (struct vdm_bytes){lf + 1, (size_t)(end - lf) - 1};
    }
    assert_int_equal(b->info.payload_bytes, b->payload_bytes);
    assert_int_equal(b->info.payload_files, b->payload_files);
    assert_string_equal(b->info.date, "2020-01-03");
}

static void read_and_rebuild(struct vdm_bytes raw, struct vdm_bytes tar)
{
    struct rebuilt b = {0};
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    int fd VDM_CLEANUP(vdm_fd_close) = fd_of(raw);
    int copy VDM_CLEANUP(vdm_fd_close) = fd_of((struct vdm_bytes){0});
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_stream_writer *out VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
    struct vdm_tar_reader r;
    assert_true(vdm_crypto_open(&b.crypto, NULL));
    assert_true(vdm_stream_reader_open(&in, fd, NULL));
    assert_true(vdm_stream_writer_open(&out, copy, VDM_STREAM_PLAIN, 0, NULL));
    vdm_tar_reader_init(&r, in);
    copy_all(&b, &r, out);
    check_manifests(&b);
    for (int kind = 0; kind < VDM_LAYOUT_EVIDENCE; kind++)
        assert_true(b.kinds[kind] > 0);
    slurp(copy, &again);
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&again), tar));
    vdm_buf_release(&b.manifest);
    vdm_buf_release(&b.tagmanifest);
    vdm_buf_release(&b.claimed_manifest);
    vdm_buf_release(&b.claimed_tagmanifest);
    vdm_crypto_close(b.crypto);
}

static void test_sample_in_every_form(void **state)
{
    (void)state;
    char *path VDM_CLEANUP(vdm_free_string) = shared_path("vectors/vidimus/sample.tar");
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    if (!path)
        skip();
    assert_true(vdm_file_read(AT_FDCWD, path, 1 << 20, &tar, NULL));
    for (int form = VDM_STREAM_PLAIN; form <= VDM_STREAM_ZSTD; form++) {
        struct vdm_buf raw VDM_CLEANUP(vdm_buf_release) = {0};
        pack((enum vdm_stream_form)form, 0, 4096, vdm_buf_bytes(&tar), &raw);
        read_and_rebuild(vdm_buf_bytes(&raw), vdm_buf_bytes(&tar));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample_in_every_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
