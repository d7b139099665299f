/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share. A target is a file fuzz_<name>.c with LLVMFuzzerTestOneInput; it
 * aborts where a property does not hold. Under clang libFuzzer drives it, in every build replay.c
 * does, with the seeds. */
#ifndef VDM_TESTS_FUZZ_H
#define VDM_TESTS_FUZZ_H

#include "crypto/sign.h"
#include "format/note.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
/* A target may know better than libFuzzer how to change its input. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t cap, unsigned seed);
/* libFuzzer's own changes; a few simple ones in replay.c. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t cap);

/* Not assert(): a property must hold, and be looked at, in every build. */
#define FUZZ_CHECK(holds)                                                                          \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* What was understood, written again, is what was read. */
void fuzz_same(const struct vdm_buf *again, struct vdm_bytes input);

/* Opened once: its known-answer tests take longer than most inputs. */
struct vdm_crypto *fuzz_crypto(void);

/* The key whose seed is 32 times this byte; the caller closes it. */
struct vdm_signing_key *fuzz_key(uint8_t seed_byte);

/* Cut `n` bytes (at most what is there) off the front. */
struct vdm_bytes fuzz_take(struct vdm_bytes *rest, size_t n);
/* A number of `bytes` bytes off the front; bytes that are not there are zero. */
uint64_t fuzz_number(struct vdm_bytes *rest, size_t bytes);

/* A file in memory that holds these bytes and stands at its start; the caller closes it. */
int fuzz_file(struct vdm_bytes content);

/* Where a text holds a public key, or a secret one in the clear, make its hash the right one: a
 * fuzzer does not guess SHA-256. A point that is none gives way to one that is. */
void fuzz_mend_keys(uint8_t *text, size_t n);
/* Where a block of 512 bytes looks like a tar header, make its checksum the right one. */
void fuzz_mend_tar(uint8_t *tar, size_t n);

#endif
