/* SPDX-License-Identifier: MIT */
/* What schemata.py writes into a copy of the sources: every mutant is there, the environment says
 * which one acts. VDM_MUTANT is its number; VDM_MUTANT_REACHED names a file with a byte for each
 * mutant, set when a run comes by. A shared mapping, so that a crash or a fork loses nothing. */
#ifndef VDM_TESTS_MUTATION_MUTANT_H
#define VDM_TESTS_MUTATION_MUTANT_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int vdm_mutant = -1;
static unsigned char *vdm_mutants_reached;

__attribute__((constructor)) static void vdm_mutant_begin(void)
{
    struct stat st;
    const char *number = getenv("VDM_MUTANT"), *path = getenv("VDM_MUTANT_REACHED");
    if (number)
        vdm_mutant = atoi(number);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    void *map = MAP_FAILED;
    if (fstat(fd, &st) == 0)
        map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map != MAP_FAILED)
        vdm_mutants_reached = map;
    close(fd);
}

__attribute__((unused)) static bool vdm_is_mutant(int number)
{
    if (vdm_mutants_reached)
        vdm_mutants_reached[number] = 1;
    return vdm_mutant == number;
}

/* The condition is evaluated in every case: what it does stays, what it says is lost. */
__attribute__((unused)) static bool vdm_always(int number, bool condition)
{
    return vdm_is_mutant(number) || condition;
}

__attribute__((unused)) static bool vdm_never(int number, bool condition)
{
    return !vdm_is_mutant(number) && condition;
}

#endif
