/* SPDX-License-Identifier: MIT */
/* Key files for tests: in the clear, and sealed at the least cost. */
#ifndef VDM_TESTS_KEYFILE_TEST_H
#define VDM_TESTS_KEYFILE_TEST_H

#include "keys_test.h"

#include "keys/keyfile_io.h"

#define AMAL_KEY                                                                                   \
    "PRIVATE+KEY+amal@archive.example.org+227151d2+AQQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define EVE_KEY                                                                                    \
    "PRIVATE+KEY+eve@archive.example.org+17cf7e17+AQcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"

/* The least that the library allows, for speed. */
static const struct vdm_kdf small = {.ops = 1, .memory_bytes = 8192};

static inline void set_secret(struct vdm_secret *s, const char *text)
{
    struct vdm_err err = {0};
    assert_true(vdm_secret_open(s, 64, &err));
    s->n = strlen(text);
    memcpy(s->p, text, s->n);
}

static inline struct vdm_keypair load_text(struct place *p, const char *text)
{
    struct vdm_keypair k = {0};
    struct vdm_err err = {0};
    put_text(p, "load.key", text);
    if (!vdm_keyfile_load(p->c, p->fd, "load.key", NULL, &k, &err))
        fail_msg("%s", err.text);
    return k;
}

static inline void assert_load_fails(struct place *p, const char *path, const char *passphrase,
                                     enum vdm_err_kind kind, const char *word)
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k = {0};
    struct vdm_err err = {0};
    set_secret(&s, passphrase);
    assert_false(vdm_keyfile_load(p->c, p->fd, path, &s, &k, &err));
    assert_error(&err, kind, word);
    assert_null(k.key);
    assert_int_equal(k.vkey.id, 0);
}

/* A file of amal's key, sealed under "right". */
static inline void put_sealed(struct place *p, const char *path)
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_keypair k VDM_CLEANUP(vdm_keypair_release) = load_text(p, AMAL_KEY);
    struct vdm_err err = {0};
    set_secret(&s, "right");
    struct vdm_keyfile_lock lock = {&s, &small};
    if (!vdm_keyfile_save(&k, p->fd, path, &lock, &err))
        fail_msg("%s", err.text);
}

static inline void read_text(struct place *p, const char *path, char *out, size_t cap)
{
    int fd = openat(p->fd, path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, out, cap - 1);
    assert_true(n >= 0);
    out[n] = 0;
    close(fd);
}

#endif
