/* SPDX-License-Identifier: MIT */
/* The check of a whole bundle. What must hold: every input gets a verdict or is no bundle; and where
 * the verdict is VERIFIED, every entry, key and document is byte for byte one of the vectors', which
 * alone the trusted keys have signed. So no change that anybody makes is ever vouched for.
 *
 * Changes are made to members, not to bytes of the tar; half of the time the manifests are then made
 * anew and the seal is signed again, as somebody would who holds a signer's key. */
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

/* --- changes --- */

/* Members as far as the input reads as a tar; false where a kit cannot hold it. */
static bool take_apart(struct kit *k, struct vdm_bytes tar)
{
    const char *reason;
    struct vdm_tar_member m;
    k->c = fuzz_crypto();
    k->n = 0;
    while (tar.n >= VDM_TAR_BLOCK && vdm_tar_header_decode(tar.p, &m, &reason)) {
        tar = vdm_bytes_skip(tar, VDM_TAR_BLOCK);
        if (k->n + 2 >= KIT_MAX || m.size > tar.n)
            return false;
        struct piece *p = &k->piece[k->n++];
        *p = (struct piece){.mtime = m.mtime};
        snprintf(p->path, sizeof p->path, "%s", vdm_tar_path(&m));
        vdm_buf_put(&p->content, (struct vdm_bytes){tar.p, (size_t)m.size});
        tar = vdm_bytes_skip(tar, (size_t)(m.size + -m.size % VDM_TAR_BLOCK));
    }
    return k->n > 1;
}

static void change_content(struct piece *p)
{
    size_t n = p->content.n, cap = n + 32;
    FUZZ_CHECK(vdm_buf_grow(&p->content, 32));
    p->content.n = LLVMFuzzerMutate(p->content.p, n, cap);
    fuzz_mend_keys(p->content.p, p->content.n);
}

static void change_name(struct piece *p)
{
    uint8_t name[96];
    size_t n = strnlen(p->path, sizeof name);
    memcpy(name, p->path, n);
    n = LLVMFuzzerMutate(name, n, sizeof name);
    memcpy(p->path, name, n);
    p->path[n] = 0;
    struct vdm_tar_member m = {0};
    uint8_t block[VDM_TAR_BLOCK];
    snprintf(m.name, sizeof m.name, "b/%.97s", p->path);
    if (!vdm_tar_header_encode(&m, block, NULL)) /* a tar of ours cannot have this name */
        strcpy(p->path, "vidimus/x");
}

/* Once more in front of itself. */
static void twice(struct kit *k, size_t at)
{
    char path[VDM_TAR_NAME_MAX + 1];
    strcpy(path, k->piece[at].path);
    kit_insert(k, at, path, vdm_buf_bytes(&k->piece[at].content));
}

static void change(struct kit *k, unsigned seed)
{
    size_t at = seed / 16 % k->n;
    switch (seed % 16) {
    case 0:
        kit_drop(k, at);
        break;
    case 1:
        twice(k, at);
        break;
    case 2:
        kit_swap(k, at, at ? at - 1 : k->n - 1);
        break;
    case 3:
        change_name(&k->piece[at]);
        break;
    case 4:
        k->piece[at].mtime = seed / 16;
        break;
    default:
        change_content(&k->piece[at]);
    }
}

static bool has(const struct kit *k, const char *path)
{
    for (size_t i = 0; i < k->n; i++)
        if (strcmp(k->piece[i].path, path) == 0)
            return true;
    return false;
}

static void make_it_fit(struct kit *k)
{
    struct vdm_bag_info info;
    struct vdm_note note;
    struct vdm_seal seal;
    if (!has(k, "bag-info.txt") || !has(k, "manifest-sha256.txt") ||
        !has(k, "tagmanifest-sha256.txt") ||
        !vdm_bag_info_decode(vdm_buf_bytes(kit_at(k, "bag-info.txt")), &info, NULL))
        return;
    remake_bag(k);
    if (has(k, "vidimus/seal") && has(k, "vidimus/selection") &&
        vdm_seal_open(vdm_buf_bytes(kit_at(k, "vidimus/seal")), &note, &seal, NULL))
        reseal(k, "lena", "lena", true);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t cap, unsigned seed)
{
    static struct kit kit; /* large */
    struct vdm_buf tar VDM_CLEANUP(vdm_buf_release) = {0};
    if (seed % 8 == 0 || !take_apart(&kit, (struct vdm_bytes){data, n})) {
        kit_release(&kit);
        return LLVMFuzzerMutate(data, n, cap);
    }
    change(&kit, seed / 16);
    if (seed % 2)
        make_it_fit(&kit);
    kit_tar(&kit, &tar);
    kit_release(&kit);
    if (tar.failed || tar.n > cap)
        return LLVMFuzzerMutate(data, n, cap);
    memcpy(data, tar.p, tar.n);
    return tar.n;
}
