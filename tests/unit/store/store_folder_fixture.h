/* SPDX-License-Identifier: MIT */
/* What the tests of the folder store share: a new store under /tmp for each test, and a disk whose
 * next sync can be made to fail. */
#ifndef VDM_TESTS_STORE_FOLDER_FIXTURE_H
#define VDM_TESTS_STORE_FOLDER_FIXTURE_H

#include "store/store_folder.h"
#include "unit/store/store_contract.h"

/* What the wrapped syncfs does next, and how often it ran: the linker hands on no context. */
struct disk {
    bool fails;
    unsigned after; /* so many calls that succeed */
    unsigned calls;
    unsigned data_calls; /* of fdatasync */
};
extern struct disk disk;

struct path {
    char s[320];
};
struct path below(const struct store_fixture *x, const char *name);
struct path object_at(const struct store_fixture *x, struct vdm_digest id);
struct path shard_at(const struct store_fixture *x, struct vdm_digest id);

void make_file(const char *path, const char *text);
/* Files in tmp/: those set aside, or all others. */
size_t count_in_tmp(const struct store_fixture *x, bool damaged);
void damage(struct store_fixture *x, struct vdm_digest id, enum damage how);

extern const struct store_backend folder;
extern const struct store_backend folder_with_names;

/* Small documents in packs; and in so many that a pack holds a few only. */
extern const struct store_backend packs;
extern const struct store_backend small_packs;
struct path pack_at(const struct store_fixture *x, unsigned number);
void damage_packed(struct store_fixture *x, struct vdm_digest id, enum damage how);
/* Where its header is, or -1. */
off_t find_member(const struct store_fixture *x, struct vdm_digest id, unsigned *pack,
                  uint8_t header[512]);

struct CMUnitTest;
/* Each of n tests on a store of its own; the number that failed. */
int run_folder_tests(const struct store_backend *backend, struct CMUnitTest *tests, size_t n);

#endif
