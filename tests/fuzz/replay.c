/* SPDX-License-Identifier: MIT */
/* Drives a fuzz target without libFuzzer: each seed as it is, then simple changes of it, always the
 * same ones. So that the targets and their mutators are tested by every compiler, on every run.
 *
 *   fuzz_<name> CHANGES FOLDER...     as many changes of each file in each folder */
#include "fuzz/fuzz.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SEED_MAX (1u << 20)
#define GROWTH   64

/* Only some targets have one. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t n, size_t cap, unsigned seed)
    __attribute__((weak));

/* xorshift64; a change must be the same on every machine. */
static uint64_t chance(void)
{
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* One byte more, one less, or another one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t n, size_t cap)
{
    static const uint8_t likely[] = {0, '\n', ' ', '0', '9', '\\', 0x80, 0xFF};
    uint64_t roll = chance();
    size_t at = n ? (size_t)(roll >> 16) % n : 0;
    uint8_t byte = roll & 8 ? (uint8_t)(roll >> 8) : likely[roll >> 8 & 7];
    if (roll % 3 == 0 && n < cap) {
        memmove(data + at + 1, data + at, n - at);
        data[at] = byte;
        return n + 1;
    }
    if (n == 0)
        return 0;
    if (roll % 3 == 1 && n > 1) {
        memmove(data + at, data + at + 1, n - at - 1);
        return n - 1;
    }
    if (roll & 4)
        data[at] = byte;
    else
        data[at] ^= (uint8_t)(1u << (roll >> 8 & 7));
    return n;
}

/* On memory of exactly this length, so that a sanitizer sees a step too far. */
static void run(const uint8_t *data, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    FUZZ_CHECK(exact);
    if (n)
        memcpy(exact, data, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
}

static void run_changed(struct vdm_bytes seed, uint8_t *room)
{
    size_t n = seed.n, cap = seed.n + GROWTH;
    unsigned times = 1 + (unsigned)chance() % 4;
    memcpy(room, seed.p, n);
    while (times-- > 0)
        n = LLVMFuzzerCustomMutator ? LLVMFuzzerCustomMutator(room, n, cap, (unsigned)chance())
                                    : LLVMFuzzerMutate(room, n, cap);
    run(room, n);
}

static void replay(int folder, const char *name, unsigned long changes)
{
    struct vdm_buf seed VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err err = {0};
    if (!vdm_file_read(folder, name, SEED_MAX, &seed, &err)) {
        fprintf(stderr, "%s: %s\n", name, err.text);
        exit(1);
    }
    vdm_buf_putc(&seed, 0); /* so that there is memory for an empty file too */
    struct vdm_bytes bytes = {seed.p, seed.n - 1};
    uint8_t *room = malloc(seed.n + GROWTH);
    FUZZ_CHECK(room);
    fprintf(stderr, "%s\n", name); /* the last line before a crash says which seed it was */
    run(bytes.p, bytes.n);
    for (unsigned long i = 0; i < changes; i++)
        run_changed(bytes, room);
    free(room);
}

static unsigned replay_folder(const char *path, unsigned long changes)
{
    struct dirent **entry = NULL;
    int n = scandir(path, &entry, NULL, alphasort), folder = open(path, O_DIRECTORY | O_CLOEXEC);
    unsigned seeds = 0;
    for (int i = 0; i < n; i++) {
        if (folder >= 0 && entry[i]->d_type == DT_REG) {
            replay(folder, entry[i]->d_name, changes);
            seeds++;
        }
        free(entry[i]);
    }
    free(entry);
    if (folder >= 0)
        close(folder);
    return seeds;
}

int main(int argc, char **argv)
{
    unsigned seeds = 0;
    for (int i = 2; i < argc; i++)
        seeds += replay_folder(argv[i], strtoul(argv[1], NULL, 10));
    printf("%u seeds\n", seeds);
    return seeds == 0; /* no seed at all: a wrong folder, and nothing was tested */
}
