/* SPDX-License-Identifier: MIT */
/* The bundles of the vectors as they are, and with their bytes and members disturbed: what the sender's
 * seal would have caught. What a sealer could do is in test_verify_bundle_remade.c. */
#include "unit/ops/bundle_kit.h"

#include "base/time.h"
#include "format/record.h"

struct desk {
    struct vdm_crypto *c;
    struct vdm_vkey authority;
    struct vdm_bundle_options o;
};

static int setup(void **state)
{
    struct desk *d = calloc(1, sizeof *d);
    assert_non_null(d);
    assert_true(vdm_crypto_open(&d->c, NULL));
    d->authority = vkey_of(d->c, "authority");
    d->o.trust = (struct vdm_trust){.key = &d->authority, .keys = 1};
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct desk *d = *state;
    vdm_crypto_close(d->c);
    free(d);
    return 0;
}

/* Every byte and every cut instead of a sample: minutes. */
static size_t stride(size_t usual)
{
    return getenv("VDM_TEST_EVERY_BYTE") ? 1 : usual;
}

/* --- as they are --- */

static void vectors_verify(void **state)
{
    struct desk *d = *state;
    static const char *const names[] = {"sample.tar", "receipt.tar", "cosigned.tar"};
    struct told t;
    for (size_t i = 0; i < 3; i++) {
        struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector(names[i]);
        check_bytes(d->c, vdm_buf_bytes(&tar), &d->o, &t);
        assert_true(t.report.is_bundle && t.report.trusted && t.report.has_time);
        assert_int_equal(t.report.size, 22);
        assert_string_equal(t.report.origin, "archive.example.net/statements");
        assert_string_equal(t.report.trusted_key, d->authority.name);
        assert_int_equal(t.report.kinds[VDM_COMPLETENESS_NOT_PROVED], 1);
        assert_int_equal(t.report.kinds[VDM_FRESHNESS_UNKNOWN], 1);
        assert_int_equal(t.report.kinds[VDM_EVIDENCE_NOT_CHECKED] > 0, i == 2); /* no policy */
        verdict(&t, VDM_VERIFIED);
    }
}

static void shared_vectors_verify(void **state)
{
    struct desk *d = *state;
    const char *shared = getenv("VIDIMUS_SHARED");
    char path[512];
    struct told t;
    if (!shared)
        shared = VDM_SOURCE_DIR "/../shared";
    snprintf(path, sizeof path, "%.400s/vectors/vidimus/sample.tar", shared);
    if (access(path, R_OK) != 0)
        skip();
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = slurp(path);
    static const struct {
        const char *key;
        enum vdm_verdict v;
    } cases[] = {{"authority", VDM_VERIFIED},
                 {"ledger2", VDM_VERIFIED},
                 {"amal", VDM_INTACT_UNTRUSTED},
                 {"eve", VDM_INTACT_UNTRUSTED}};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%.400s/vectors/vidimus/keys/%s.pub", shared, cases[i].key);
        struct vdm_vkey key = read_vkey(d->c, path);
        struct vdm_bundle_options o = {.trust = {.key = &key, .keys = 1}};
        check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
        verdict(&t, cases[i].v);
    }
}

static void trust_decides(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    struct told t;
    static const struct {
        const char *key;
        enum vdm_verdict v;
    } cases[] = {{"authority", VDM_VERIFIED},
                 {"ledger", VDM_VERIFIED}, /* the old key: its line stands on this checkpoint */
                 {"ledger2", VDM_VERIFIED},
                 {"lena", VDM_INTACT_UNTRUSTED},
                 {"witness-north", VDM_INTACT_UNTRUSTED}};
    for (size_t i = 0; i < 5; i++) {
        struct vdm_vkey key = vkey_of(d->c, cases[i].key);
        struct vdm_bundle_options o = {.trust = {.key = &key, .keys = 1}};
        check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
        verdict(&t, cases[i].v);
    }
    struct vdm_bundle_options nobody = {0};
    check_bytes(d->c, vdm_buf_bytes(&tar), &nobody, &t);
    assert_int_equal(vdm_verdict_status(vdm_report_verdict(&t.report)), 4);
    only(&t, VDM_KEY_UNTRUSTED, 1);
}

static void items_tell_all(void **state)
{
    struct desk *d = *state;
    struct kit k = {0};
    struct told t;
    kit_open(&k, d->c, "sample.tar");
    check_kit(&k, &d->o, &t);
    assert_int_equal(t.items, 5);
    assert_int_equal(t.report.captures, 5);
    assert_int_equal(t.report.withdrawn, 2);
    assert_int_equal(t.report.partly, 1);
    assert_int_equal(t.report.documents, 3);
    assert_int_equal(t.report.bytes, 44 + 57 + 40);
    assert_int_equal(t.report.entries, 9 + 11);
    assert_int_equal(t.report.kinds[VDM_RE_ATTESTED], 1);
    for (size_t i = 0; i < 5; i++)
        assert_true(t.item[i].good && t.item[i].has_entry);
    const struct vdm_bundle_item *partly = &t.item[0], *amended = &t.item[1], *gone = &t.item[4];
    assert_int_equal(partly->n, 4);
    assert_true(partly->disclosure && partly->hidden > 0 && partly->lines > partly->hidden);
    assert_int_equal(partly->document, VDM_ITEM_CHECKED);
    assert_int_equal(amended->n, 5);
    assert_int_equal(amended->text_of, 8);
    assert_int_equal(amended->amendments, 1);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(t.item[i].amended, i >= 1 && i <= 3);
    assert_false(amended->disclosure);
    assert_int_equal(amended->document_size, 57);
    assert_true(t.item[3].document_withdrawn && !t.item[3].record_withdrawn);
    assert_true(gone->document_withdrawn && gone->record_withdrawn && !gone->has_document);
    assert_int_equal(gone->text.n, 0);
    assert_int_equal(gone->withdrawals, 1);
    told_release(&t);
    kit_release(&k);
}

/* What is borrowed holds during the call. */
static void look_inside(void *ctx, const struct vdm_bundle_item *item)
{
    size_t *seen = ctx;
    struct vdm_record r;
    char path[40], recorded[VDM_TIME_LEN + 1];
    if (item->n == 5) {
        assert_true(vdm_record_decode(item->text, &r, NULL));
        assert_true(vdm_digest_equal(r.document, item->document_digest));
        assert_true(vdm_bytes_equal_str(item->signer, "tomas@archive.example.net"));
        assert_int_equal(item->signer_id, 0xf9631bdf);
        vdm_time_encode(item->recorded, recorded);
        assert_string_equal(recorded, "2021-03-04T05:11:12Z");
    }
    if (item->n == 9) { /* of another signer than the capture, vera */
        assert_int_equal(item->text_of, 17);
        assert_true(vdm_bytes_equal_str(item->amendment_signer, "lena@archive.example.net"));
        vdm_time_encode(item->amendment_recorded, recorded);
        assert_string_equal(recorded, "2021-03-04T05:23:24Z");
    }
    if (item->document == VDM_ITEM_CHECKED) {
        snprintf(path, sizeof path, "data/files/%06d.", (int)item->n);
        assert_int_equal(strncmp(item->member, path, strlen(path)), 0);
    }
    ++*seen;
}

static void items_can_be_read(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    int fd VDM_CLEANUP(vdm_fd_close) = scratch_of(vdm_buf_bytes(&tar));
    struct vdm_report r;
    size_t seen = 0;
    struct vdm_bundle_options o = {.trust = d->o.trust, .on_item = look_inside, .ctx = &seen};
    vdm_report_init(&r);
    assert_true(vdm_verify_bundle(d->c, fd, "b", &o, NULL, &r, NULL));
    assert_int_equal(seen, 5);
    vdm_report_release(&r);
}

/* Compressed data has bits that mean nothing; what comes out must be the same to a byte. */
static bool unpacks_to(struct vdm_bytes packed, struct vdm_bytes tar)
{
    int fd VDM_CLEANUP(vdm_fd_close) = scratch_of(packed);
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    enum vdm_stream_state state;
    size_t got;
    assert_true(vdm_stream_reader_open(&s, fd, NULL));
    uint8_t *p = vdm_buf_grow(&out, tar.n + 1);
    assert_true(vdm_stream_read(s, p, tar.n + 1, &got, &state, NULL));
    return state == VDM_STREAM_END && vdm_bytes_equal((struct vdm_bytes){p, got}, tar);
}

static void compressed_forms(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    static const enum vdm_stream_form forms[] = {VDM_STREAM_GZIP, VDM_STREAM_ZSTD};
    struct told t;
    for (size_t i = 0; i < 2; i++) {
        int fd VDM_CLEANUP(vdm_fd_close) = scratch_of((struct vdm_bytes){0});
        struct vdm_stream_writer *w VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
        struct vdm_buf packed VDM_CLEANUP(vdm_buf_release) = {0};
        size_t got;
        assert_true(vdm_stream_writer_open(&w, fd, forms[i], 0, NULL));
        assert_true(vdm_stream_write(w, vdm_buf_bytes(&tar), NULL));
        assert_true(vdm_stream_writer_finish(w, NULL));
        check_fd(d->c, fd, &d->o, &t);
        verdict(&t, VDM_VERIFIED);
        off_t n = lseek(fd, 0, SEEK_CUR);
        uint8_t *p = vdm_buf_grow(&packed, (size_t)n);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        assert_true(vdm_fd_read(fd, p, (size_t)n, &got, NULL));
        for (size_t cut = 10; cut < packed.n; cut += stride(1999)) {
            check_bytes(d->c, (struct vdm_bytes){packed.p, cut}, &d->o, &t);
            among(&t, VDM_TRUNCATED, 2);
        }
        for (size_t at = 0; at < packed.n; at += stride(997)) {
            packed.p[at] ^= 0x10;
            check_bytes(d->c, vdm_buf_bytes(&packed), &d->o, &t);
            if (t.ran && vdm_report_findings(&t.report) == 0)
                assert_true(unpacks_to(vdm_buf_bytes(&packed), vdm_buf_bytes(&tar)));
            told_release(&t);
            packed.p[at] ^= 0x10;
        }
        vdm_buf_putc(&packed, 0);
        check_bytes(d->c, vdm_buf_bytes(&packed), &d->o, &t);
        only(&t, VDM_BAG_INVALID, 1);
    }
}

/* --- no bundle at all --- */

static void no_bundle(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    static const char *const texts[] = {"", "Dear reader,\n", "\x1f\x8b",
                                        "c2sp.org/tlog-proof@v1\n"};
    struct told t;
    for (size_t i = 0; i < 4; i++) {
        check_bytes(d->c, vdm_str(texts[i]), &d->o, &t);
        if (i == 2) { /* a gzip header's beginning: it may have been one */
            only(&t, VDM_TRUNCATED, 1);
            continue;
        }
        assert_false(t.ran);
        assert_int_equal(t.err.kind, VDM_ERR_MALFORMED);
        assert_non_null(strstr(t.err.text, "b.tar: not a bundle"));
        told_release(&t);
    }
    memcpy(tar.p, "sample/bogus.txt", 16); /* another tar, even with a right checksum */
    struct vdm_tar_member m = {.name = "sample/bogus.txt", .size = 54, .mtime = 1};
    assert_true(vdm_tar_header_encode(&m, tar.p, NULL));
    check_bytes(d->c, vdm_buf_bytes(&tar), &d->o, &t);
    assert_false(t.ran);
    assert_int_equal(t.err.kind, VDM_ERR_MALFORMED);
    told_release(&t);
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void stops_when_asked(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    int fd VDM_CLEANUP(vdm_fd_close) = scratch_of(vdm_buf_bytes(&tar));
    struct vdm_progress p = {.stop = at_once};
    struct vdm_report r;
    struct vdm_err err = {0};
    vdm_report_init(&r);
    assert_false(vdm_verify_bundle(d->c, fd, "b", &d->o, &p, &r, &err));
    assert_int_equal(err.kind, VDM_ERR_INTERRUPTED);
    vdm_report_release(&r);
}

/* --- bytes --- */

/* The policy is there so that the witnesses' lines are looked at. */
static void no_byte_is_free(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("cosigned.tar");
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = vector("policies/met");
    int fd VDM_CLEANUP(vdm_fd_close) = scratch_of(vdm_buf_bytes(&tar));
    struct vdm_policy policy;
    assert_true(vdm_policy_decode(d->c, vdm_buf_bytes(&text), &policy, NULL));
    struct vdm_bundle_options o = {.trust = {.key = &d->authority, .keys = 1, .policy = &policy}};
    struct told t;
    size_t flips = 0, found = 0;
    check_fd(d->c, fd, &o, &t);
    assert_int_equal(t.report.kinds[VDM_EVIDENCE_NOT_CHECKED], 0);
    verdict(&t, VDM_VERIFIED);
    for (size_t at = 0; at < tar.n; at += stride(601), flips++) {
        uint8_t byte = (uint8_t)(tar.p[at] ^ (1u << at % 8));
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
        check_fd(d->c, fd, &o, &t);
        if (!t.ran) /* by its first name alone is it known as a bundle */
            assert_true(at < sizeof "cosigned/bagit.txt");
        else if (vdm_report_findings(&t.report) + t.report.kinds[VDM_EVIDENCE_NOT_CHECKED] == 0)
            fail_msg("byte %zu is free", at);
        found++;
        told_release(&t);
        assert_int_equal(pwrite(fd, tar.p + at, 1, (off_t)at), 1);
    }
    printf("flips-bundle flips=%zu undetected=%zu\n", flips, flips - found);
}

static void every_cut_is_told(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    struct told t;
    size_t step = stride(809), cuts = 0, told = 0;
    size_t name = sizeof "sample/bagit.txt"; /* with its NUL: by it a bundle is known as one */
    for (size_t cut = name; cut < tar.n; cut += cut < VDM_TAR_BLOCK ? 1 : step) {
        cuts++;
        check_bytes(d->c, (struct vdm_bytes){tar.p, cut}, &d->o, &t);
        assert_int_equal(t.report.kinds[VDM_TRUNCATED], 1);
        /* Nothing else is said, but that the key is not vouched for where it was not read. */
        assert_int_equal(vdm_report_findings(&t.report), 1);
        told += t.report.kinds[VDM_TRUNCATED];
        verdict(&t, VDM_INCOMPLETE);
    }
    printf("cuts-bundle cuts=%zu undetected=%zu\n", cuts, cuts - told);
    check_bytes(d->c, (struct vdm_bytes){tar.p, name - 1}, &d->o, &t);
    assert_false(t.ran);
    told_release(&t);
}

static void nothing_may_follow(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    struct told t;
    vdm_buf_putc(&tar, 0);
    check_bytes(d->c, vdm_buf_bytes(&tar), &d->o, &t);
    only(&t, VDM_BAG_INVALID, 1);
}

/* --- members --- */

static enum vdm_finding_kind kind_when_missing(const char *path)
{
    struct vdm_layout_member m;
    assert_true(vdm_layout_decode(vdm_str(path), &m));
    switch ((int)m.kind) {
    case VDM_LAYOUT_SEAL:
        return VDM_UNSEALED;
    case VDM_LAYOUT_PROOF:
        return VDM_PROOF_INVALID;
    case VDM_LAYOUT_RECORD:
        return VDM_RECORD_MISSING;
    case VDM_LAYOUT_FILE:
        return VDM_DOCUMENT_MISSING;
    default:
        return VDM_BAG_INVALID;
    }
}

static void each_member_is_missed(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "sample.tar");
    for (size_t i = 0; i < k.n; i++) {
        struct piece p = k.piece[i];
        enum vdm_finding_kind kind = kind_when_missing(p.path);
        bool entry = strncmp(p.path, "vidimus/entries/", 16) == 0;
        memmove(&k.piece[i], &k.piece[i + 1], (k.n - i - 1) * sizeof p);
        k.n--;
        check_kit(&k, &d->o, &t);
        if (i == 0 || !entry) {
            bool record_or_file = kind == VDM_RECORD_MISSING || kind == VDM_DOCUMENT_MISSING;
            if (record_or_file)
                assert_int_equal(vdm_report_verdict(&t.report), VDM_INCOMPLETE);
            /* A missing selection or checkpoint takes the ground from under others. */
            among(&t, kind, 4);
        } else {
            assert_true(t.ran && vdm_report_findings(&t.report) > 0);
            assert_int_equal(vdm_report_verdict(&t.report), VDM_ALTERED);
            told_release(&t);
        }
        memmove(&k.piece[i + 1], &k.piece[i], (k.n - i) * sizeof p);
        k.piece[i] = p;
        k.n++;
    }
    kit_release(&k);
}

static void each_member_stands_once(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "cosigned.tar");
    for (size_t i = 0; i < k.n; i++) {
        kit_insert(&k, i + 1, k.piece[i].path, vdm_buf_bytes(&k.piece[i].content));
        check_kit(&k, &d->o, &t);
        only(&t, VDM_UNEXPECTED_MEMBER, 1);
        kit_drop(&k, i + 1);
    }
    kit_release(&k);
}

static void no_member_may_be_added(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    static const char *const strangers[] = {"data/files/note.txt", "README", "vidimus/entries/7",
                                            "vidimus/evidence/22/notes.txt"};
    kit_open(&k, d->c, "cosigned.tar");
    for (size_t i = 1; i <= k.n; i++) {
        kit_insert(&k, i, strangers[i % 3], VDM_LIT("x"));
        check_kit(&k, &d->o, &t);
        only(&t, VDM_UNEXPECTED_MEMBER, 1);
        kit_drop(&k, i);
    }
    kit_insert(&k, k.n, strangers[3], VDM_LIT("x"));
    check_kit(&k, &d->o, &t);
    only(&t, VDM_UNEXPECTED_MEMBER, 1);
    kit_release(&k);
}

static void no_member_may_move(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "sample.tar");
    for (size_t i = 0; i + 1 < k.n; i++) {
        kit_swap(&k, i, i + 1);
        check_kit(&k, &d->o, &t);
        assert_true(t.ran);
        if (vdm_report_findings(&t.report) == 0 || vdm_report_findings(&t.report) > 16) {
            print_message("%s moved:\n", k.piece[i].path);
            print_findings(&t);
        }
        assert_in_range(vdm_report_findings(&t.report), 1, 16);
        assert_int_equal(vdm_report_verdict(&t.report), VDM_ALTERED);
        told_release(&t);
        kit_swap(&k, i, i + 1);
    }
    kit_release(&k);
}

static void times_are_one(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "sample.tar");
    k.piece[k.n - 1].mtime++;
    check_kit(&k, &d->o, &t);
    among(&t, VDM_BAG_INVALID, 2);
    k.piece[k.n - 1].mtime--;
    k.piece[3].mtime--;
    check_kit(&k, &d->o, &t);
    only(&t, VDM_BAG_INVALID, 1);
    k.piece[3].mtime++;
    for (size_t i = 0; i < k.n; i++)
        k.piece[i].mtime++;
    check_kit(&k, &d->o, &t);
    only(&t, VDM_BAG_INVALID, 1);
    kit_release(&k);
}

/* --- documents and receipts --- */

static void a_document_is_changed(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "sample.tar");
    kit_at(&k, "data/files/000005.bin")->p[3] ^= 1;
    check_kit(&k, &d->o, &t);
    assert_int_equal(t.report.documents, 2);
    assert_int_equal(t.item[1].document, VDM_ITEM_CORRUPT);
    assert_false(t.item[1].good);
    assert_true(t.item[0].good && t.item[2].good);
    const struct vdm_finding *f = &t.report.findings.list[0];
    assert_int_equal(f->entry, 5);
    assert_string_equal(f->document, "data/files/000005.bin");
    assert_int_equal(strlen(f->expected), 64);
    assert_int_equal(strlen(f->found), 64);
    assert_string_not_equal(f->expected, f->found);
    only(&t, VDM_DOCUMENT_CORRUPT, 1);
    vdm_buf_putc(kit_at(&k, "data/files/000005.bin"), 'x');
    check_kit(&k, &d->o, &t);
    only(&t, VDM_DOCUMENT_CORRUPT, 1);
    kit_release(&k);
}

/* One entry is gone: what belongs to it does not fall to its neighbour. */
static void what_is_missing_is_told_once(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "sample.tar");
    kit_drop_path(&k, "vidimus/entries/000011");
    check_kit(&k, &d->o, &t);
    assert_true(t.item[3].good && !t.item[4].good && !t.item[4].has_entry);
    only(&t, VDM_BAG_INVALID, 1);
    kit_release(&k);
    kit_open(&k, d->c, "sample.tar");
    kit_drop_path(&k, "data/files/000009.bin");
    kit_drop_path(&k, "data/files/000004.txt");
    check_kit(&k, &d->o, &t);
    assert_int_equal(vdm_report_verdict(&t.report), VDM_INCOMPLETE);
    only(&t, VDM_DOCUMENT_MISSING, 2);
    kit_release(&k);
}

static void documents_are_exchanged(void **state)
{
    struct desk *d = *state;
    struct told t;
    struct kit k = {0};
    kit_open(&k, d->c, "sample.tar");
    kit_swap_content(&k, "data/files/000005.bin", "data/files/000009.bin");
    check_kit(&k, &d->o, &t);
    only(&t, VDM_DOCUMENT_CORRUPT, 2);
    kit_release(&k);
}

static struct vdm_given_document given(struct vdm_crypto *c, struct vdm_bytes b)
{
    return (struct vdm_given_document){.name = "letter", .digest = vdm_sha256(c, b), .size = b.n};
}

static void a_receipt_and_its_documents(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("receipt.tar");
    struct vdm_buf right VDM_CLEANUP(vdm_buf_release) = vector("documents/000005");
    struct told t;
    struct vdm_given_document docs[2] = {given(d->c, vdm_buf_bytes(&right)),
                                         given(d->c, VDM_LIT("other"))};
    struct vdm_bundle_options o = {.trust = d->o.trust};
    check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
    assert_int_equal(t.items, 2);
    assert_int_equal(t.report.documents, 0);
    assert_int_equal(t.item[0].document, VDM_ITEM_NOT_HERE);
    assert_true(t.item[0].good);
    verdict(&t, VDM_VERIFIED);

    o.given = docs;
    o.givens = 2;
    check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
    assert_int_equal(t.item[1].document, VDM_ITEM_GIVEN);
    assert_int_equal(t.report.documents, 1);
    assert_int_equal(t.report.bytes, right.n);
    assert_true(docs[0].matched && !docs[1].matched);
    vdm_check_given(docs, 1, &t.report);
    assert_int_equal(vdm_report_findings(&t.report), 0);
    vdm_check_given(docs, 2, &t.report);
    assert_string_equal(t.report.findings.list[0].document, "letter");
    assert_int_equal(vdm_report_verdict(&t.report), VDM_NO_MATCH);
    only(&t, VDM_DOCUMENT_UNMATCHED, 1);

    docs[0].matched = false;
    docs[0].size++; /* the same digest of another size is no match */
    check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
    assert_false(docs[0].matched);
    told_release(&t);
}

static void a_given_document_may_be_here_too(void **state)
{
    struct desk *d = *state;
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector("sample.tar");
    struct vdm_buf right VDM_CLEANUP(vdm_buf_release) = vector("documents/000005");
    struct vdm_given_document doc = given(d->c, vdm_buf_bytes(&right));
    struct vdm_bundle_options o = {.trust = d->o.trust, .given = &doc, .givens = 1};
    struct told t;
    check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
    assert_true(doc.matched);
    assert_int_equal(t.report.documents, 3);
    verdict(&t, VDM_VERIFIED);
}

/* --- policies --- */

static void policies(void **state)
{
    struct desk *d = *state;
    static const struct {
        const char *policy, *tar;
        enum vdm_verdict v;
    } cases[] = {{"policies/met", "cosigned.tar", VDM_VERIFIED},
                 {"policies/unmet", "cosigned.tar", VDM_ALTERED},
                 {"policies/met", "sample.tar", VDM_ALTERED}};
    struct told t;
    for (size_t i = 0; i < 3; i++) {
        struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = vector(cases[i].policy);
        struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = vector(cases[i].tar);
        struct vdm_policy p;
        assert_true(vdm_policy_decode(d->c, vdm_buf_bytes(&text), &p, NULL));
        struct vdm_bundle_options o = {.trust = {.policy = &p}};
        check_bytes(d->c, vdm_buf_bytes(&tar), &o, &t);
        assert_int_equal(t.report.kinds[VDM_QUORUM_UNMET], i > 0);
        verdict(&t, cases[i].v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_verify),
        cmocka_unit_test(shared_vectors_verify),
        cmocka_unit_test(trust_decides),
        cmocka_unit_test(items_tell_all),
        cmocka_unit_test(items_can_be_read),
        cmocka_unit_test(compressed_forms),
        cmocka_unit_test(no_bundle),
        cmocka_unit_test(stops_when_asked),
        cmocka_unit_test(no_byte_is_free),
        cmocka_unit_test(every_cut_is_told),
        cmocka_unit_test(nothing_may_follow),
        cmocka_unit_test(each_member_is_missed),
        cmocka_unit_test(each_member_stands_once),
        cmocka_unit_test(no_member_may_be_added),
        cmocka_unit_test(no_member_may_move),
        cmocka_unit_test(times_are_one),
        cmocka_unit_test(a_document_is_changed),
        cmocka_unit_test(what_is_missing_is_told_once),
        cmocka_unit_test(documents_are_exchanged),
        cmocka_unit_test(a_receipt_and_its_documents),
        cmocka_unit_test(a_given_document_may_be_here_too),
        cmocka_unit_test(policies),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
