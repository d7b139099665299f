/* SPDX-License-Identifier: MIT */
/* What the tests of keys/ share: a folder for each test, files in it, errors that must say a word.
 */
#ifndef VDM_TESTS_KEYS_TEST_H
#define VDM_TESTS_KEYS_TEST_H

#include "base/file.h"
#include "format/vkey.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define AMAL "amal@archive.example.org+227151d2+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58"
#define EVE  "eve@archive.example.org+17cf7e17+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
#define LEDGER                                                                                     \
    "archive.example.org/statements+3e1c908c+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
#define LEDGER2                                                                                    \
    "archive.example.org/statements+b5fd9186+Ae1JKMYo0cLG6ukDOJBZlWEpWSc6XGP5NjbBRhSshzfR"

struct place {
    char path[32];
    int fd;
    struct vdm_crypto *c;
};

static inline int place_setup(void **state)
{
    struct vdm_err err = {0};
    struct place *p = calloc(1, sizeof *p);
    assert_non_null(p);
    strcpy(p->path, "/tmp/vdm-keys-XXXXXX");
    assert_non_null(mkdtemp(p->path));
    p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(p->fd >= 0);
    assert_true(vdm_crypto_open(&p->c, &err));
    *state = p;
    return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
    (void)st, (void)type, (void)f;
    return remove(path);
}

static inline int place_teardown(void **state)
{
    struct place *p = *state;
    close(p->fd);
    nftw(p->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    vdm_crypto_close(p->c);
    free(p);
    return 0;
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, place_setup, place_teardown)

static inline void put_file(const struct place *p, const char *path, struct vdm_bytes data,
                            mode_t mode)
{
    int fd = openat(p->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data.p, data.n), (ssize_t)data.n);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static inline void put_text(const struct place *p, const char *path, const char *text)
{
    put_file(p, path, vdm_str(text), 0600);
}

static inline void assert_file(const struct place *p, const char *path, struct vdm_bytes want,
                               mode_t mode)
{
    struct vdm_buf got VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    struct stat st;
    assert_true(vdm_file_read(p->fd, path, 1u << 20, &got, &err));
    assert_true(vdm_bytes_equal(vdm_buf_bytes(&got), want));
    assert_int_equal(fstatat(p->fd, path, &st, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(st.st_mode & 07777, mode);
}

static inline struct vdm_vkey vkey_of(const struct place *p, const char *text)
{
    struct vdm_vkey k;
    struct vdm_err err = {0};
    assert_true(vdm_vkey_decode(p->c, vdm_str(text), &k, &err));
    return k;
}

/* A key under another name, as other people may have them. */
static inline struct vdm_vkey renamed(const struct place *p, const char *name, const char *text)
{
    struct vdm_vkey k = vkey_of(p, text);
    snprintf(k.name, sizeof k.name, "%s", name);
    k.id = vdm_key_id(p->c, vdm_str(name), k.type, &k.key);
    return k;
}

static inline void assert_error(const struct vdm_err *err, enum vdm_err_kind kind, const char *word)
{
    assert_int_equal(err->kind, kind);
    if (!strstr(err->text, word))
        fail_msg("\"%s\" does not say \"%s\"", err->text, word);
}

static inline const char *shared_folder(void)
{
    const char *s = getenv("VIDIMUS_SHARED");
    return s && *s ? s : VDM_SOURCE_DIR "/../shared";
}

/* Appends a file of the shared vectors; false where they are not there. */
static inline bool read_vector(const char *name, struct vdm_buf *out)
{
    char path[512];
    struct vdm_err err = {0};
    snprintf(path, sizeof path, "%s/vectors/vidimus/%s", shared_folder(), name);
    return vdm_file_read(AT_FDCWD, path, 1u << 20, out, &err);
}

#endif
