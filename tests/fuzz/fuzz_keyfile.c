/* SPDX-License-Identifier: MIT */
/* Secret key files, sealed and in the clear, as text and from a file; and a key that is saved under
 * a passphrase is the same when loaded, and does not load once a byte of the file has changed. */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/limits.h"
#include "format/keyfile.h"
#include "keys/keyfile_io.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_MAX (UINT64_C(1) << 20) /* Argon2 is not what is tested here: little work */
#define OPS_MAX    3

static struct vdm_secret phrase(const char *words)
{
    struct vdm_secret s = {0};
    FUZZ_CHECK(vdm_secret_open(&s, 64, NULL));
    s.n = strlen(words);
    memcpy(s.p, words, s.n);
    return s;
}

static bool load(struct vdm_bytes file, struct vdm_keypair *out)
{
    struct vdm_secret words VDM_CLEANUP(vdm_secret_release) = phrase("fuzz");
    int fd VDM_CLEANUP(vdm_fd_close) = fuzz_file(file);
    char path[64];
    FUZZ_CHECK(fchmod(fd, 0600) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return vdm_keyfile_load(fuzz_crypto(), AT_FDCWD, path, &words, out, NULL);
}

/* The one form of a key in the clear; its LF may be missing. */
static void check_clear(const struct vdm_keypair *k, struct vdm_bytes input)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_secret raw VDM_CLEANUP(vdm_secret_release) = {0};
    FUZZ_CHECK(vdm_secret_open(&raw, 33, NULL));
    raw.p[raw.n++] = VDM_KEY_ED25519;
    FUZZ_CHECK(vdm_signing_key_seed(k->key, &raw, NULL));
    vdm_buf_puts(&again, "PRIVATE+KEY+");
    vdm_signer_append(&again, vdm_str(k->vkey.name), k->vkey.id);
    vdm_buf_putc(&again, '+');
    vdm_base64_append(&again, (struct vdm_bytes){raw.p, raw.n});
    if (input.p[input.n - 1] == '\n')
        vdm_buf_putc(&again, '\n');
    fuzz_same(&again, input);
}

static void check_text(struct vdm_bytes input)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_keypair pair VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_keyfile k;
    if (vdm_keyfile_decode(fuzz_crypto(), input, &k, NULL)) {
        FUZZ_CHECK(vdm_vkey_is_ours(&k.public_key));
        vdm_keyfile_append(&again, &k);
        fuzz_same(&again, input);
        /* Beyond the limits it is refused before any work; in between it would be slow. */
        bool refused = k.kdf_ops > VDM_KDF_OPS_MAX || k.kdf_memory_bytes > VDM_KDF_MEMORY_MAX;
        if (!refused && (k.kdf_ops > OPS_MAX || k.kdf_memory_bytes > MEMORY_MAX))
            return;
        FUZZ_CHECK(!load(input, &pair) || !refused);
        return;
    }
    if (!load(input, &pair))
        return;
    check_clear(&pair, input);
}

/* A sealed file, put together as keys/keyfile_io.c does it, in memory. */
static void seal(struct vdm_bytes seed, uint64_t ops, struct vdm_buf *file)
{
    struct vdm_secret plain VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_secret words VDM_CLEANUP(vdm_secret_release) = phrase("fuzz");
    struct vdm_buf associated VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf sealed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_keyfile k = {.kdf_ops = ops, .kdf_memory_bytes = 8192};
    struct vdm_kdf kdf = {.ops = ops, .memory_bytes = 8192};
    struct vdm_signing_key *key = NULL;
    FUZZ_CHECK(vdm_secret_open(&plain, 32, NULL));
    memset(plain.p, 7, 32);
    memcpy(plain.p, seed.p, seed.n);
    plain.n = 32;
    FUZZ_CHECK(vdm_signing_key_from_seed(&key, &plain, NULL));
    struct vdm_pubkey public_key = vdm_signing_key_public(key);
    vdm_signing_key_close(key);
    FUZZ_CHECK(vdm_vkey_make(fuzz_crypto(), VDM_LIT("fuzz"), &public_key, &k.public_key, NULL));
    vdm_keyfile_append_associated(&associated, &k);
    FUZZ_CHECK(vdm_seal(&kdf, &words, k.nonce, vdm_buf_bytes(&associated), &plain, &sealed, NULL));
    FUZZ_CHECK(sealed.n == sizeof k.sealed);
    memcpy(k.sealed, sealed.p, sealed.n);
    vdm_keyfile_append(file, &k);
    FUZZ_CHECK(!file->failed);
}

static void check_sealed(struct vdm_bytes input)
{
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_keypair good VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_keypair bad VDM_CLEANUP(vdm_keypair_release) = {0};
    uint64_t at = fuzz_number(&input, 2), bit = fuzz_number(&input, 1);
    seal(fuzz_take(&input, 32), 1 + bit % OPS_MAX, &file);
    FUZZ_CHECK(load(vdm_buf_bytes(&file), &good));
    at %= file.n;
    /* Of a number, a flipped bit may ask for work that is allowed but long. */
    if (file.p[at] >= '0' && file.p[at] <= '9')
        return;
    file.p[at] ^= (uint8_t)(1u << bit % 8);
    FUZZ_CHECK(!load(vdm_buf_bytes(&file), &bad));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    check_text((struct vdm_bytes){data, n});
    check_sealed((struct vdm_bytes){data, n});
    return 0;
}
