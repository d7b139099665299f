/* SPDX-License-Identifier: MIT */
/* Changes to a bundle: to its members, not to bytes of the tar; half of the time the manifests are then made anew and
 * the seal is signed again, as somebody would who holds a signer's key. */
#include "fuzz/fuzz.h"
#include "unit/ops/bundle_kit.h"

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
