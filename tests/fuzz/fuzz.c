/* SPDX-License-Identifier: MIT */
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/text.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_same(const struct vdm_buf *again, struct vdm_bytes input)
{
    FUZZ_CHECK(!again->failed);
    FUZZ_CHECK(vdm_bytes_equal(vdm_buf_bytes(again), input));
}

struct vdm_crypto *fuzz_crypto(void)
{
    static struct vdm_crypto *c; /* libFuzzer keeps no state for a target between inputs */
    FUZZ_CHECK(c || vdm_crypto_open(&c, NULL));
    return c;
}

struct vdm_signing_key *fuzz_key(uint8_t seed_byte)
{
    struct vdm_secret seed VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_signing_key *key = NULL;
    FUZZ_CHECK(vdm_secret_open(&seed, 32, NULL));
    memset(seed.p, seed_byte, 32);
    seed.n = 32;
    FUZZ_CHECK(vdm_signing_key_from_seed(&key, &seed, NULL));
    return key;
}

struct vdm_bytes fuzz_take(struct vdm_bytes *rest, size_t n)
{
    struct vdm_bytes front = {rest->p, n < rest->n ? n : rest->n};
    *rest = vdm_bytes_skip(*rest, front.n);
    return front;
}

uint64_t fuzz_number(struct vdm_bytes *rest, size_t bytes)
{
    struct vdm_bytes front = fuzz_take(rest, bytes);
    uint64_t n = 0;
    for (size_t i = 0; i < front.n; i++)
        n = n << 8 | front.p[i];
    return n;
}

int fuzz_file(struct vdm_bytes content)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(vdm_fd_write(fd, content, NULL));
    FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

/* --- keys --- */

#define RAW_KEY    33 /* signature type, 32 bytes */
#define KEY_BASE64 44

static bool is_private(const uint8_t *text, size_t name)
{
    static const char start[] = "PRIVATE+KEY+";
    size_t n = sizeof start - 1;
    return name >= n && memcmp(text + name - n, start, n) == 0;
}

static struct vdm_pubkey public_of(const uint8_t seed[32])
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_signing_key *key = NULL;
    FUZZ_CHECK(vdm_secret_open(&s, 32, NULL));
    memcpy(s.p, seed, 32);
    s.n = 32;
    FUZZ_CHECK(vdm_signing_key_from_seed(&key, &s, NULL));
    struct vdm_pubkey p = vdm_signing_key_public(key);
    vdm_signing_key_close(key);
    return p;
}

/* The 33 bytes that stand behind the hash; a public key among them that is no point is replaced. */
static bool take_raw(uint8_t *base64, bool secret, uint8_t raw[RAW_KEY])
{
    size_t n = 0;
    if (!vdm_base64_decode((struct vdm_bytes){base64, KEY_BASE64}, raw, RAW_KEY, &n) ||
        n != RAW_KEY)
        return false;
    struct vdm_pubkey key;
    memcpy(key.b, raw + 1, sizeof key.b);
    if (secret || vdm_pubkey_valid(&key))
        return true;
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t seed[32];
    memset(seed, raw[1], sizeof seed);
    key = public_of(seed);
    memcpy(raw + 1, key.b, sizeof key.b);
    vdm_base64_append(&again, (struct vdm_bytes){raw, RAW_KEY});
    FUZZ_CHECK(again.n == KEY_BASE64);
    memcpy(base64, again.p, KEY_BASE64);
    return true;
}

/* `hash` is where the 8 digits stand, with a `+` on either side. */
static void mend_key(uint8_t *text, size_t n, size_t hash)
{
    size_t name = hash - 1;
    uint8_t raw[RAW_KEY];
    char digits[9];
    if (n < hash + 9 + KEY_BASE64)
        return;
    while (name > 0 && !strchr(" \n+", text[name - 1]))
        name--;
    bool secret = is_private(text, name);
    if (!take_raw(text + hash + 9, secret, raw))
        return;
    struct vdm_pubkey key;
    memcpy(key.b, raw + 1, sizeof key.b);
    if (secret)
        key = public_of(key.b);
    uint32_t id =
        vdm_key_id(fuzz_crypto(), (struct vdm_bytes){text + name, hash - 1 - name}, raw[0], &key);
    snprintf(digits, sizeof digits, "%08x", id);
    memcpy(text + hash, digits, 8);
}

void fuzz_mend_keys(uint8_t *text, size_t n)
{
    for (size_t i = 1; i + 9 < n; i++)
        if (text[i - 1] == '+' && text[i + 8] == '+')
            mend_key(text, n, i);
}

/* --- tar --- */

void fuzz_mend_tar(uint8_t *tar, size_t n)
{
    for (size_t at = 0; n - at >= 512; at += 512) {
        uint8_t *block = tar + at;
        unsigned sum = 8 * ' ';
        char digits[8];
        if (memcmp(block + 257, "ustar", 5) != 0)
            continue;
        for (size_t i = 0; i < 512; i++)
            sum += i >= 148 && i < 156 ? 0 : block[i];
        snprintf(digits, sizeof digits, "%06o", sum);
        memcpy(block + 148, digits, 7);
        block[155] = ' ';
    }
}
