/* SPDX-License-Identifier: MIT */
/* Secrets leave no trace in memory that is not guarded. */
#include "keyfile_test.h"

#include "keys/passphrase.h"

#include <sys/mman.h>

/* Looks for a secret in all memory that may be read: where it has been anywhere but in guarded
 * memory (which is gone by then), it is most likely still there. `own` is the looker's memory. */
#define OWN_BYTES 65536
struct own {
    uint8_t chunk[OWN_BYTES / 2];
    uint8_t needle[256]; /* inverted, so that it does not find itself */
    size_t n;
};

static bool chunk_has(const struct own *own, size_t got)
{
    for (size_t i = 0; i + own->n <= got; i++) {
        size_t k = 0;
        while (k < own->n && (own->chunk[i + k] ^ own->needle[k]) == 0xFF)
            k++;
        if (k == own->n)
            return true;
    }
    return false;
}

static bool range_has(struct own *own, int mem, uintptr_t from, uintptr_t to)
{
    const size_t step = sizeof own->chunk - sizeof own->needle;
    for (; from < to; from += step) {
        size_t want = to - from < sizeof own->chunk ? to - from : sizeof own->chunk;
        ssize_t got = pread(mem, own->chunk, want, (off_t)from);
        if (got > 0 && chunk_has(own, (size_t)got))
            return true;
    }
    return false;
}

static bool memory_has(struct own *own)
{
    char line[512];
    bool found = false;
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    FILE *maps = fopen("/proc/self/maps", "re");
    assert_true(mem >= 0 && maps);
    while (!found && fgets(line, sizeof line, maps)) {
        uintptr_t from, to;
        char mode[5];
        assert_int_equal(sscanf(line, "%lx-%lx %4s", &from, &to, mode), 3);
        /* The sanitizer's shadow is huge and holds no data. */
        bool mine = from <= (uintptr_t)own && (uintptr_t)own < to;
        if (mode[0] == 'r' && mode[1] == 'w' && !mine && to - from < (64u << 20))
            found = range_has(own, mem, from, to);
    }
    fclose(maps);
    close(mem);
    return found;
}

static void take_needle(struct own *own, struct place *p, const char *path, size_t from, size_t n)
{
    int fd = openat(p->fd, path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, own->needle, n, (off_t)from), (ssize_t)n);
    close(fd);
    own->n = n;
    for (size_t i = 0; i < n; i++)
        own->needle[i] ^= 0xFF;
}

static struct own *own_open(void)
{
    struct own *own =
        mmap(NULL, OWN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(own != MAP_FAILED);
    return own;
}

/* A fresh passphrase, known to the looker alone, in a file. What free(3) writes at the front of a
 * chunk must not hide it: so the looker looks for its middle. */
#define PASS_BYTES 96
static void put_passphrase(struct own *own, struct place *p)
{
    vdm_random(own->chunk, PASS_BYTES);
    for (size_t i = 0; i < PASS_BYTES; i++)
        own->chunk[i] = (uint8_t)('A' + own->chunk[i] % 26);
    put_file(p, "pass", (struct vdm_bytes){own->chunk, PASS_BYTES}, 0600);
    take_needle(own, p, "pass", PASS_BYTES / 3, PASS_BYTES / 3);
}

static struct vdm_keypair new_pair(struct place *p)
{
    struct vdm_keypair k = {0};
    struct vdm_err err = {0};
    assert_true(vdm_signing_key_generate(&k.key, &err));
    struct vdm_pubkey public_key = vdm_signing_key_public(k.key);
    assert_true(vdm_vkey_make(p->c, VDM_LIT("x"), &public_key, &k.vkey, &err));
    return k;
}

/* Everything that has a secret in its hands. */
static void use_secrets(struct place *p)
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = new_pair(p);
    struct vdm_keypair again VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_keypair unsealed VDM_CLEANUP(vdm_keypair_release) = {0};
    struct vdm_keyfile_lock lock = {&s, &small};
    struct vdm_keyfile_info info;
    struct vdm_err err = {0};
    assert_true(vdm_passphrase_read(&s, p->fd, "pass", &err));
    assert_true(vdm_keyfile_save(&k, p->fd, "clear.key", NULL, &err));
    assert_true(vdm_keyfile_save(&k, p->fd, "sealed.key", &lock, &err));
    assert_true(vdm_keyfile_peek(p->c, p->fd, "clear.key", &info, &err));
    assert_true(vdm_keyfile_load(p->c, p->fd, "clear.key", NULL, &again, &err));
    assert_true(vdm_keyfile_load(p->c, p->fd, "sealed.key", &s, &unsealed, &err));
    assert_true(vdm_keyfile_save_again(p->c, &k, p->fd, "clear.key", NULL, &err));
}

static void test_secrets_leave_no_trace(void **state)
{
    struct place *p = *state;
    struct own *own = own_open();
    put_passphrase(own, p);
    use_secrets(p);
    assert_false(memory_has(own));
    /* PRIVATE+KEY+x+<8 hex>+, base64: the middle of it, as text and as bytes */
    take_needle(own, p, "clear.key", 23 + 4, 32);
    assert_false(memory_has(own));
    struct vdm_secret raw = {0};
    struct vdm_err err;
    char text[33];
    for (size_t i = 0; i < 32; i++)
        text[i] = (char)(own->needle[i] ^ 0xFF);
    assert_true(vdm_secret_open(&raw, 24, &err));
    assert_true(vdm_secret_from_base64(&raw, (struct vdm_bytes){(uint8_t *)text, 32}));
    /* The looker does see what lies about. */
    assert_true(memory_has(own));
    explicit_bzero(text, sizeof text);
    for (size_t i = 0; i < raw.n; i++)
        own->needle[i] = (uint8_t)(raw.p[i] ^ 0xFF);
    own->n = raw.n;
    assert_true(memory_has(own));
    vdm_secret_release(&raw);
    assert_false(memory_has(own));
    munmap(own, OWN_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_secrets_leave_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
