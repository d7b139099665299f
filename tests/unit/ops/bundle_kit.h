/* SPDX-License-Identifier: MIT */
/* Bundles to break: the vectors taken apart into members, changed, put together again (as they are, or
 * with new manifests and a new seal), and what the check says of them. */
#ifndef TESTS_OPS_BUNDLE_KIT_H
#define TESTS_OPS_BUNDLE_KIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "bundle/tar.h"
#include "crypto/sign.h"
#include "format/policy.h"
#include "format/seal.h"
#include "ops/verify_bundle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEDGER_VECTORS VDM_SOURCE_DIR "/tests/vectors/ledger/"
#define KIT_MAX        160

/* --- files --- */

static inline struct vdm_buf slurp(const char *path)
{
    struct vdm_buf out = {0};
    assert_true(vdm_file_read(AT_FDCWD, path, 1 << 20, &out, NULL));
    return out;
}

static inline struct vdm_buf vector(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, LEDGER_VECTORS "%s", name);
    return slurp(path);
}

static inline struct vdm_vkey read_vkey(struct vdm_crypto *c, const char *path)
{
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = slurp(path);
    struct vdm_vkey k;
    assert_true(b.n > 0);
    assert_true(vdm_vkey_decode(c, (struct vdm_bytes){b.p, b.n - 1}, &k, NULL));
    return k;
}

static inline struct vdm_vkey vkey_of(struct vdm_crypto *c, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, LEDGER_VECTORS "keys/%s.pub", name);
    return read_vkey(c, path);
}

/* --- a bundle as members --- */

struct piece {
    char path[VDM_TAR_NAME_MAX + 1];
    struct vdm_buf content;
    uint64_t mtime;
};
struct kit {
    struct vdm_crypto *c;
    size_t n;
    struct piece piece[KIT_MAX];
};

static inline void kit_release(struct kit *k)
{
    for (size_t i = 0; i < k->n; i++)
        vdm_buf_release(&k->piece[i].content);
    k->n = 0;
}

static inline int scratch_of(struct vdm_bytes data)
{
    int fd = -1;
    assert_true(vdm_file_scratch(-1, &fd, NULL));
    assert_true(vdm_fd_write(fd, data, NULL));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static inline void kit_read(struct kit *k, struct vdm_crypto *c, struct vdm_bytes tar)
{
    int fd VDM_CLEANUP(vdm_fd_close) = scratch_of(tar);
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct vdm_tar_member m;
    enum vdm_tar_status status;
    size_t got;
    k->c = c;
    k->n = 0;
    assert_true(vdm_stream_reader_open(&s, fd, NULL));
    vdm_tar_reader_init(&r, s);
    for (;;) {
        assert_true(vdm_tar_reader_next(&r, &status, &m, NULL));
        if (status != VDM_TAR_OK)
            break;
        struct piece *p = &k->piece[k->n++];
        assert_true(k->n < KIT_MAX);
        *p = (struct piece){.mtime = m.mtime};
        strcpy(p->path, vdm_tar_path(&m));
        uint8_t *room = vdm_buf_grow(&p->content, (size_t)m.size);
        assert_true(m.size == 0 ||
                    vdm_tar_reader_read(&r, room, (size_t)m.size, &got, &status, NULL));
    }
    assert_int_equal(status, VDM_TAR_END);
}

static inline void kit_open(struct kit *k, struct vdm_crypto *c, const char *name)
{
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector(name);
    kit_read(k, c, vdm_buf_bytes(&tar));
}

static inline size_t kit_find(const struct kit *k, const char *path)
{
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->piece[i].path, path) == 0)
            return i;
    fail_msg("no %s", path);
    return 0;
}

static inline struct vdm_buf *kit_at(struct kit *k, const char *path)
{
    return &k->piece[kit_find(k, path)].content;
}

static inline void kit_set(struct kit *k, const char *path, struct vdm_bytes content)
{
    struct vdm_buf fresh = {0}; /* `content` may lie in the old one */
    struct vdm_buf *b = kit_at(k, path);
    vdm_buf_put(&fresh, content);
    vdm_buf_release(b);
    *b = fresh;
}

static inline void kit_insert(struct kit *k, size_t at, const char *path, struct vdm_bytes content)
{
    assert_true(k->n < KIT_MAX);
    memmove(&k->piece[at + 1], &k->piece[at], (k->n - at) * sizeof k->piece[0]);
    k->n++;
    k->piece[at] = (struct piece){.mtime = k->piece[at ? 0 : 1].mtime};
    snprintf(k->piece[at].path, sizeof k->piece[at].path, "%s", path);
    vdm_buf_put(&k->piece[at].content, content);
}

static inline void kit_drop(struct kit *k, size_t at)
{
    vdm_buf_release(&k->piece[at].content);
    k->n--;
    memmove(&k->piece[at], &k->piece[at + 1], (k->n - at) * sizeof k->piece[0]);
}

static inline void kit_drop_path(struct kit *k, const char *path)
{
    kit_drop(k, kit_find(k, path));
}

static inline void kit_swap(struct kit *k, size_t i, size_t j)
{
    struct piece p = k->piece[i];
    k->piece[i] = k->piece[j];
    k->piece[j] = p;
}

static inline void kit_swap_content(struct kit *k, const char *a, const char *b)
{
    struct vdm_buf *x = kit_at(k, a), *y = kit_at(k, b), t = *x;
    *x = *y;
    *y = t;
}

/* Replace the first `from` in a member by `to`. */
static inline void kit_edit(struct kit *k, const char *path, const char *from, const char *to)
{
    struct vdm_buf *b = kit_at(k, path);
    struct vdm_buf out = {0};
    uint8_t *at = memmem(b->p, b->n, from, strlen(from));
    if (!at)
        fail_msg("%s has no %s", path, from);
    size_t before = (size_t)(at - b->p);
    vdm_buf_put(&out, (struct vdm_bytes){b->p, before});
    vdm_buf_puts(&out, to);
    vdm_buf_put(&out, vdm_bytes_skip(vdm_buf_bytes(b), before + strlen(from)));
    vdm_buf_release(b);
    *b = out;
}

/* --- put together again --- */

static inline void kit_tar(const struct kit *k, struct vdm_buf *out)
{
    static const uint8_t zeros[2 * VDM_TAR_BLOCK];
    for (size_t i = 0; i < k->n; i++) {
        const struct piece *p = &k->piece[i];
        struct vdm_tar_member m = {.size = p->content.n, .mtime = p->mtime};
        snprintf(m.name, sizeof m.name, "b/%.98s", p->path);
        assert_true(vdm_tar_header_encode(&m, vdm_buf_grow(out, VDM_TAR_BLOCK), NULL));
        vdm_buf_put(out, vdm_buf_bytes(&p->content));
        vdm_buf_put(out, (struct vdm_bytes){zeros, -p->content.n % VDM_TAR_BLOCK});
    }
    vdm_buf_put(out, (struct vdm_bytes){zeros, sizeof zeros});
}

static inline bool in_manifest(const char *path, bool payload)
{
    struct vdm_layout_member m;
    if (!vdm_layout_decode(vdm_str(path), &m))
        return false;
    return payload ? vdm_layout_in_manifest(m.kind) : vdm_layout_in_tagmanifest(m.kind);
}

static inline void remake_manifest(struct kit *k, const char *path, bool payload)
{
    struct vdm_buf lines VDM_CLEANUP(vdm_buf_release) = {0};
    for (size_t i = 0; i < k->n; i++)
        if (in_manifest(k->piece[i].path, payload))
            vdm_manifest_append(&lines, vdm_sha256(k->c, vdm_buf_bytes(&k->piece[i].content)),
                                k->piece[i].path);
    kit_set(k, path, vdm_buf_bytes(&lines));
}

static inline void remake_bag(struct kit *k)
{
    struct vdm_bag_info info;
    struct vdm_buf *text = kit_at(k, "bag-info.txt");
    assert_true(vdm_bag_info_decode(vdm_buf_bytes(text), &info, NULL));
    info.payload_bytes = info.payload_files = 0;
    for (size_t i = 0; i < k->n; i++)
        if (in_manifest(k->piece[i].path, true)) {
            info.payload_files++;
            info.payload_bytes += k->piece[i].content.n;
        }
    vdm_buf_clear(text);
    assert_true(vdm_bag_info_encode(&info, text, NULL));
    remake_manifest(k, "manifest-sha256.txt", true);
    remake_manifest(k, "tagmanifest-sha256.txt", false);
}

/* A secret key of the vectors. They stand in the clear and readable, so not by way of keys/. */
static inline struct vdm_signing_key *secret_of(const char *name)
{
    char path[512];
    uint8_t raw[33];
    size_t n;
    struct vdm_secret seed = {0};
    struct vdm_signing_key *key = NULL;
    snprintf(path, sizeof path, LEDGER_VECTORS "keys/%s.key", name);
    struct vdm_buf b VDM_CLEANUP(vdm_buf_release) = slurp(path);
    assert_true(b.n > 45); /* the last thing before LF: 33 bytes are 44 characters */
    assert_true(vdm_base64_decode((struct vdm_bytes){b.p + b.n - 45, 44}, raw, sizeof raw, &n));
    assert_int_equal(n, 33);
    assert_true(vdm_secret_open(&seed, 32, NULL));
    memcpy(seed.p, raw + 1, 32);
    seed.n = 32;
    assert_true(vdm_signing_key_from_seed(&key, &seed, NULL));
    vdm_secret_release(&seed);
    return key;
}

/* text, LF, and a line by `with` that says it is by `as`. */
static inline void sign_as(struct vdm_crypto *c, struct vdm_buf *note, struct vdm_bytes text,
                           const char *with, const char *as)
{
    struct vdm_signing_key *key = secret_of(with);
    struct vdm_vkey k = vkey_of(c, as);
    struct vdm_sig sig = vdm_sign(key, text);
    vdm_buf_put(note, text);
    vdm_buf_putc(note, '\n');
    vdm_note_put_signature(note, vdm_str(k.name), k.id, &sig);
    vdm_signing_key_close(key);
}

/* Sign the seal anew, after its words were brought up to date (or, `words` false, left alone). */
static inline void reseal(struct kit *k, const char *with, const char *as, bool words)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0}, note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note old;
    struct vdm_seal seal;
    struct vdm_buf *b = kit_at(k, "vidimus/seal");
    assert_true(vdm_seal_open(vdm_buf_bytes(b), &old, &seal, NULL));
    if (words) {
        seal.selection = vdm_sha256(k->c, vdm_buf_bytes(kit_at(k, "vidimus/selection")));
        seal.tagmanifest = vdm_sha256(k->c, vdm_buf_bytes(kit_at(k, "tagmanifest-sha256.txt")));
    }
    vdm_seal_append(&text, &seal);
    sign_as(k->c, &note, vdm_buf_bytes(&text), with, as);
    kit_set(k, "vidimus/seal", vdm_buf_bytes(&note));
}

/* As somebody would who holds a signer's key and means to deceive. */
static inline void remake(struct kit *k)
{
    remake_bag(k);
    reseal(k, "lena", "lena", true);
}

/* --- what the check says --- */

struct told {
    struct vdm_report report;
    struct vdm_err err;
    bool ran;
    size_t items;
    struct vdm_bundle_item item[32]; /* borrowed parts are void */
};

static inline void tell_item(void *ctx, const struct vdm_bundle_item *item)
{
    struct told *t = ctx;
    if (t->items < 32)
        t->item[t->items] = *item;
    t->items++;
}

static inline void check_fd(struct vdm_crypto *c, int fd, struct vdm_bundle_options *o,
                            struct told *t)
{
    memset(t, 0, sizeof *t);
    vdm_report_init(&t->report);
    o->on_item = tell_item;
    o->ctx = t;
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    t->ran = vdm_verify_bundle(c, fd, "b.tar", o, NULL, &t->report, &t->err);
    assert_false(t->report.no_memory);
}

static inline void check_bytes(struct vdm_crypto *c, struct vdm_bytes tar,
                               struct vdm_bundle_options *o, struct told *t)
{
    int fd VDM_CLEANUP(vdm_fd_close) = scratch_of(tar);
    check_fd(c, fd, o, t);
}

static inline void check_kit(const struct kit *k, struct vdm_bundle_options *o, struct told *t)
{
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    kit_tar(k, &tar);
    check_bytes(k->c, vdm_buf_bytes(&tar), o, t);
}

static inline void told_release(struct told *t)
{
    vdm_report_release(&t->report);
}

static inline void print_findings(const struct told *t)
{
    for (size_t i = 0; i < t->report.findings.count; i++) {
        const struct vdm_finding *f = &t->report.findings.list[i];
        print_message("  %s entry %lld %s: %s\n", vdm_kind_word(f->kind), (long long)f->entry,
                      f->document ? f->document : "-", f->message);
    }
}

/* Exactly `count` findings of this kind and none of another. */
static inline void only(struct told *t, enum vdm_finding_kind kind, uint64_t count)
{
    bool right =
        t->ran && t->report.kinds[kind] == count && vdm_report_findings(&t->report) == count;
    if (!right) {
        print_message("wanted %d of %s:\n", (int)count, vdm_kind_word(kind));
        print_findings(t);
    }
    assert_true(right);
    told_release(t);
}

/* At least one of this kind; at most `most` findings altogether. */
static inline void among(struct told *t, enum vdm_finding_kind kind, uint64_t most)
{
    bool right = t->ran && t->report.kinds[kind] > 0 && vdm_report_findings(&t->report) <= most;
    if (!right) {
        print_message("wanted %s, at most %d:\n", vdm_kind_word(kind), (int)most);
        print_findings(t);
    }
    assert_true(right);
    told_release(t);
}

static inline void verdict(struct told *t, enum vdm_verdict v)
{
    if (!t->ran || vdm_report_verdict(&t->report) != v)
        print_findings(t);
    assert_true(t->ran);
    assert_string_equal(vdm_verdict_words(vdm_report_verdict(&t->report)), vdm_verdict_words(v));
    told_release(t);
}

#endif
