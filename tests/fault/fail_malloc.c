/* SPDX-License-Identifier: MIT */
/* Memory that runs out: allocation number FAULT_MALLOC_AT fails, with FAULT_MALLOC_FOR_GOOD every later one, too.
 * At the end the number of allocations is written to the file that FAULT_MALLOC_COUNT names.
 * With FAULT_PLANT=no-null what fails gives an address that nobody may touch: the caller did not look.
 *
 * When their memory runs out, libmagic 5.44 frees what it never got, and OpenSSL 3.0 takes a lock that it
 * could not make as it starts. These are spared: while they work, nothing fails and nothing is counted. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t k, size_t n);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t alignment, size_t n);

static atomic_ulong allocations;
static _Thread_local bool spared;

/* Their headers need not be there. */
const char *magic_buffer(void *cookie, const void *p, size_t n);
int magic_load(void *cookie, const char *files);
void *EVP_MD_fetch(void *context, const char *name, const char *properties);

const char *magic_buffer(void *cookie, const void *p, size_t n)
{
    const char *(*real)(void *, const void *, size_t);
    *(void **)&real = dlsym(RTLD_NEXT, "magic_buffer");
    spared = true;
    const char *type = real(cookie, p, n);
    spared = false;
    return type;
}

int magic_load(void *cookie, const char *files)
{
    int (*real)(void *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "magic_load");
    spared = true;
    int result = real(cookie, files);
    spared = false;
    return result;
}

void *EVP_MD_fetch(void *context, const char *name, const char *properties)
{
    void *(*real)(void *, const char *, const char *);
    *(void **)&real = dlsym(RTLD_NEXT, "EVP_MD_fetch");
    spared = true;
    void *result = real(context, name, properties);
    spared = false;
    return result;
}

static bool fails(void)
{
    const char *at = getenv("FAULT_MALLOC_AT");
    if (spared)
        return false;
    unsigned long this = ++allocations;
    if (!at)
        return false;
    unsigned long n = strtoul(at, NULL, 10);
    return this == n || (this > n && getenv("FAULT_MALLOC_FOR_GOOD"));
}

static void *nothing(void)
{
    const char *bug = getenv("FAULT_PLANT");
    errno = ENOMEM;
    return bug && strcmp(bug, "no-null") == 0 ? (void *)16 : NULL;
}

void *malloc(size_t n)
{
    return fails() ? nothing() : __libc_malloc(n);
}

void *calloc(size_t k, size_t n)
{
    return fails() ? nothing() : __libc_calloc(k, n);
}

void *realloc(void *p, size_t n)
{
    return fails() ? nothing() : __libc_realloc(p, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? nothing() : __libc_memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    *out = aligned_alloc(alignment, n);
    return *out ? 0 : ENOMEM;
}

/* Guarded memory for secrets comes from here. */
void *mmap(void *p, size_t n, int protection, int flags, int fd, off_t at)
{
    if ((flags & MAP_ANONYMOUS) && fails()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, p, n, protection, flags, fd, at);
}

__attribute__((destructor)) static void tell(void)
{
    char text[32];
    const char *path = getenv("FAULT_MALLOC_COUNT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    int n = snprintf(text, sizeof text, "%lu\n", (unsigned long)allocations);
    if (write(fd, text, (size_t)n) != n)
        abort();
    close(fd);
}
