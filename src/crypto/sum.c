/* SPDX-License-Identifier: MIT */
#include "crypto/sum.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name, *hyphened, *algorithm;
    size_t bytes;
} kinds[VDM_SUM_KINDS] = {
    [VDM_SUM_MD5] = {"md5", "md-5", "MD5", 16},
    [VDM_SUM_SHA1] = {"sha1", "sha-1", "SHA1", 20},
    [VDM_SUM_SHA224] = {"sha224", "sha-224", "SHA224", 28},
    [VDM_SUM_SHA256] = {"sha256", "sha-256", "SHA256", 32},
    [VDM_SUM_SHA384] = {"sha384", "sha-384", "SHA384", 48},
    [VDM_SUM_SHA512] = {"sha512", "sha-512", "SHA512", 64},
    [VDM_SUM_SHA3_256] = {"sha3256", "sha3-256", "SHA3-256", 32},
    [VDM_SUM_SHA3_512] = {"sha3512", "sha3-512", "SHA3-512", 64},
    [VDM_SUM_BLAKE2B] = {"blake2b", "blake2b-512", "BLAKE2B-512", 64},
};

struct vdm_sums {
    EVP_MD *md[VDM_SUM_KINDS];
};

static bool same_name(struct vdm_bytes name, const char *s)
{
    return name.n == strlen(s) && strncasecmp((const char *)name.p, s, name.n) == 0;
}

bool vdm_sum_kind_from_name(struct vdm_bytes name, enum vdm_sum_kind *out)
{
    for (int k = 0; name.n && k < VDM_SUM_KINDS; k++)
        if (same_name(name, kinds[k].name) || same_name(name, kinds[k].hyphened)) {
            *out = (enum vdm_sum_kind)k;
            return true;
        }
    return false;
}

const char *vdm_sum_name(enum vdm_sum_kind kind)
{
    return kinds[kind].name;
}

size_t vdm_sum_bytes(enum vdm_sum_kind kind)
{
    return kinds[kind].bytes;
}

bool vdm_sums_open(struct vdm_sums **out, struct vdm_err *err)
{
    struct vdm_sums *s = calloc(1, sizeof *s);
    if (!s)
        return vdm_fail_memory(err);
    for (int k = 0; k < VDM_SUM_KINDS; k++)
        if (!(s->md[k] = EVP_MD_fetch(NULL, kinds[k].algorithm, NULL))) {
            vdm_sums_close(s);
            return vdm_fail(err, "libcrypto gives no %s", kinds[k].algorithm);
        }
    *out = s;
    return true;
}

void vdm_sums_close(struct vdm_sums *s)
{
    for (int k = 0; s && k < VDM_SUM_KINDS; k++)
        EVP_MD_free(s->md[k]);
    free(s);
}

void vdm_sum_begin(struct vdm_sum *sum, const struct vdm_sums *s, enum vdm_sum_kind kind)
{
    vdm_sum_release(sum);
    if (kind == VDM_SUM_KINDS)
        return;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (ctx && EVP_DigestInit_ex2(ctx, s->md[kind], NULL) == 1)
        *sum = (struct vdm_sum){kind, ctx};
    else
        EVP_MD_CTX_free(ctx);
}

void vdm_sum_add(struct vdm_sum *sum, struct vdm_bytes data)
{
    if (sum->ctx && EVP_DigestUpdate(sum->ctx, data.p, data.n) != 1)
        vdm_sum_release(sum);
}

bool vdm_sum_end(struct vdm_sum *sum, uint8_t out[VDM_SUM_BYTES_MAX])
{
    bool ok = sum->ctx && EVP_DigestFinal_ex(sum->ctx, out, NULL) == 1;
    vdm_sum_release(sum);
    return ok;
}

void vdm_sum_release(struct vdm_sum *sum)
{
    EVP_MD_CTX_free(sum->ctx);
    *sum = (struct vdm_sum){VDM_SUM_KINDS, NULL};
}
