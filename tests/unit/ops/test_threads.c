/* SPDX-License-Identifier: MIT */
/* However many threads look ahead, the check of an archive says the same, in the same order. */
#include "unit/ops/archive_kit.h"

#include "support/documents.h"
#include "support/findings.h"

#include <stdatomic.h>

#define CAPTURES 2300 /* more than two batches */

/* Documents that cannot be read, each at the first try only. */
static struct vdm_digest unreadable[2];
static atomic_int tries[2];
static bool fails;

bool __real_vdm_store_check(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                            enum vdm_store_state *state, struct vdm_err *err);
bool __wrap_vdm_store_check(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                            enum vdm_store_state *state, struct vdm_err *err);
bool __wrap_vdm_store_check(struct vdm_store *s, struct vdm_digest id, uint64_t size_bytes,
                            enum vdm_store_state *state, struct vdm_err *err)
{
    for (int i = 0; fails && i < 2; i++)
        if (vdm_digest_equal(id, unreadable[i]) && atomic_fetch_add(&tries[i], 1) == 0)
            return vdm_fail(err, "store: document %d cannot be read", i);
    return __real_vdm_store_check(s, id, size_bytes, state, err);
}

/* All that a report says, as a text. */
static void check(struct kit *k, unsigned threads, struct vdm_buf *out)
{
    char root[65];
    MUST(kit_check(k, (struct asked){.threads = threads}));
    const struct vdm_report *r = &k->report;
    vdm_digest_hex(r->root, root);
    vdm_buf_putf(out, "%s %llu %llu %llu %llu %llu %d\n", root, (unsigned long long)r->size,
                 (unsigned long long)r->entries, (unsigned long long)r->captures,
                 (unsigned long long)r->documents, (unsigned long long)r->bytes,
                 vdm_report_verdict(r));
    describe_findings(out, r);
}

static void same_with_any_number(struct kit *k)
{
    struct vdm_buf alone VDM_CLEANUP(vdm_buf_release) = {0};
    check(k, 1, &alone);
    for (unsigned threads = 2; threads <= 16; threads *= 2) {
        struct vdm_buf many VDM_CLEANUP(vdm_buf_release) = {0};
        check(k, threads, &many);
        vdm_buf_putc(&many, 0);
        struct vdm_bytes got = {many.p, many.n - 1};
        if (!vdm_bytes_equal(vdm_buf_bytes(&alone), got))
            fail_msg("%u threads: %s\nalone: %.*s", threads, (char *)many.p, (int)alone.n,
                     (char *)alone.p);
    }
}

/* Every ninth document is one of five. */
static void fill(struct kit *k)
{
    char text[64];
    MUST(vdm_writer_begin(k->w, &k->err));
    for (unsigned i = 0; i < CAPTURES; i++) {
        if (i % 9 == 0)
            snprintf(text, sizeof text, "common %u\n", i / 9 % 5);
        else
            snprintf(text, sizeof text, "document %u\n", i);
        append_capture(k, AMAL, text, 0);
    }
    append_capture(k, AMAL, "document 7\n", 9);
    MUST(vdm_store_sync(k->a->store, &k->err));
    MUST(vdm_writer_commit(k->w, &k->err));
}

static void damage(struct kit *k)
{
    PATH(store, "%s/store", k->path);
    documents_as_files(k->c, store);
    shell(
        "cd %s/store/objects && rm -r 1[0-7] && for f in 2?/*; do chmod 600 $f; echo x >> $f; done",
        k->path);
    edit_ledger(k,
                "UPDATE record SET text = (SELECT text FROM record WHERE n = 40) WHERE n = 41;"
                "DELETE FROM record WHERE n = 1500;"
                "UPDATE entry SET note = (SELECT note FROM entry WHERE n = 70) WHERE n = 71;"
                "UPDATE entry SET note = CAST(replace(CAST(note AS TEXT), 'amal', 'nina') AS BLOB)"
                " WHERE n IN (80, 1080, 2080);"
                "UPDATE entry SET note = x'00' WHERE n = 2100");
}

static void same_report(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    kit_start(k);
    kit_make(k, 0);
    fill(k);
    kit_close(k);
    same_with_any_number(k);
    assert_int_equal(vdm_report_verdict(&k->report), VDM_VERIFIED);
    /* The common ones are read once, or again where another has taken their place in memory. */
    assert_in_range(k->report.documents, CAPTURES - (CAPTURES + 8) / 9 + 5, CAPTURES - 200);
    damage(k);
    same_with_any_number(k);
    assert_true(k->report.kinds[VDM_DOCUMENT_MISSING] > 10);
    assert_true(k->report.kinds[VDM_DOCUMENT_CORRUPT] > 10);
    assert_true(k->report.kinds[VDM_RECORD_MISMATCH] > 0);
    assert_true(k->report.kinds[VDM_RECORD_MISSING] > 0);
    assert_true(k->report.kinds[VDM_ENTRY_MALFORMED] > 0);
    edit_ledger(k, "DELETE FROM entry WHERE n = 1200");
    same_with_any_number(k);
    assert_true(k->report.kinds[VDM_TRUNCATED] > 0);
    kit_end(k);
}

/* A disk that fails once and not at the second try has failed; and the first document is named. */
static void unread_is_told(void **state)
{
    struct kit kit = {0}, *k = &kit;
    (void)state;
    kit_start(k);
    kit_make(k, 0);
    capture_until(k, 1400);
    unreadable[0] = vdm_sha256(k->c, VDM_LIT("document 1201\n"));
    unreadable[1] = vdm_sha256(k->c, VDM_LIT("document 1203\n"));
    kit_close(k);
    fails = true;
    for (unsigned threads = 1; threads <= 8; threads *= 2) {
        atomic_store(&tries[0], 0);
        atomic_store(&tries[1], 0);
        assert_false(kit_check(k, (struct asked){.threads = threads}));
        assert_int_equal(k->err.kind, VDM_ERR_FAILED);
        assert_string_equal(k->err.text, "store: document 0 cannot be read");
    }
    fails = false;
    must_be_clean(k, (struct asked){.threads = 8});
    kit_end(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_report),
        cmocka_unit_test(unread_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
