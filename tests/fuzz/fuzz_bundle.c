/* SPDX-License-Identifier: MIT */
/* The check of a whole bundle. What must hold: every input gets a verdict or is no bundle; and where
 * the verdict is VERIFIED, every entry, key and document is byte for byte one of the vectors', which
 * alone the trusted keys have signed. So no change that anybody makes is ever vouched for.
 */
#include "fuzz/fuzz.h"
#include "unit/ops/bundle_kit.h"

#define KNOWN_MAX 512

/* --- what is known to be good --- */

struct known {
    struct vdm_crypto *c;
    struct vdm_vkey authority;
    size_t n;
    struct vdm_digest digest[KNOWN_MAX];
};

static bool vouched_kind(const char *path)
{
    struct vdm_layout_member m;
    return vdm_layout_decode(vdm_str(path), &m) &&
           (m.kind == VDM_LAYOUT_ENTRY || m.kind == VDM_LAYOUT_KEY || m.kind == VDM_LAYOUT_FILE);
}

static const struct known *known(void)
{
    static const char *const names[] = {"sample.tar", "receipt.tar", "cosigned.tar"};
    static struct known k; /* the vectors are read once */
    static struct kit kit;
    if (k.c)
        return &k;
    k.c = fuzz_crypto();
    k.authority = vkey_of(k.c, "authority");
    for (size_t i = 0; i < 3; i++) {
        kit_open(&kit, k.c, names[i]);
        for (size_t j = 0; j < kit.n; j++)
            if (vouched_kind(kit.piece[j].path)) {
                FUZZ_CHECK(k.n < KNOWN_MAX);
                k.digest[k.n++] = vdm_sha256(k.c, vdm_buf_bytes(&kit.piece[j].content));
            }
        kit_release(&kit);
    }
    return &k;
}

static void check_vouched(struct vdm_bytes tar)
{
    static struct kit kit; /* large */
    const struct known *k = known();
    kit_read(&kit, k->c, tar);
    for (size_t i = 0; i < kit.n; i++) {
        struct vdm_digest d = vdm_sha256(k->c, vdm_buf_bytes(&kit.piece[i].content));
        bool is = !vouched_kind(kit.piece[i].path);
        for (size_t j = 0; j < k->n && !is; j++)
            is = vdm_digest_equal(d, k->digest[j]);
        FUZZ_CHECK(is);
    }
    kit_release(&kit);
}

/* --- the check --- */

struct looked {
    bool any, in_order;
    uint64_t last;
};

static void look_at_item(void *ctx, const struct vdm_bundle_item *item)
{
    struct looked *l = ctx;
    l->in_order = l->in_order && (!l->any || item->n > l->last);
    FUZZ_CHECK(item->hidden <= item->lines && item->text.n <= VDM_NOTE_MAX);
    FUZZ_CHECK(!item->good || item->has_entry);
    l->any = true;
    l->last = item->n;
}

static void check_findings(const struct vdm_report *r)
{
    uint64_t counted = 0;
    for (int i = 0; i < VDM_FINDING_KINDS; i++)
        counted += r->kinds[i];
    FUZZ_CHECK(counted == vdm_report_findings(r) && counted == r->findings.total);
    FUZZ_CHECK(r->findings.count <= VDM_FINDINGS_MAX && !r->no_memory);
    for (size_t i = 0; i < r->findings.count; i++)
        FUZZ_CHECK(r->findings.list[i].message && r->findings.list[i].message[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(input);
    struct looked looked = {.in_order = true};
    struct vdm_bundle_options o = {.trust = {.key = &known()->authority, .keys = 1},
                                   .allow_unsealed = true,
                                   .on_item = look_at_item,
                                   .ctx = &looked};
    struct vdm_report report VDM_CLEANUP(vdm_report_release);
    struct vdm_err err = {0};
    vdm_report_init(&report);
    if (!vdm_verify_bundle(fuzz_crypto(), fd, "fuzz", &o, NULL, &report, &err)) {
        FUZZ_CHECK(err.kind == VDM_ERR_MALFORMED && err.text[0]);
        return 0;
    }
    check_findings(&report);
    FUZZ_CHECK(looked.in_order || vdm_report_findings(&report) > 0);
    FUZZ_CHECK(report.bytes <= n || n < 2 || data[0] == 0x1F || data[0] == 0x28);
    if (vdm_report_verdict(&report) == VDM_VERIFIED && data[0] != 0x1F && data[0] != 0x28)
        check_vouched(input);
    return 0;
}
