/* SPDX-License-Identifier: MIT */
/* Memory that runs out: allocation number FAULT_MALLOC_AT fails, with FAULT_MALLOC_FOR_GOOD every later one, too.
 * Workers count along with the program that starts them.
 * At the end two numbers are written to the file that FAULT_MALLOC_COUNT names: how many allocations there were, and
 * how many of them before the first fdatasync, which is SQLite's in its commit.
 * With FAULT_PLANT=no-null what fails gives an address that nobody may touch: the caller did not look.
 *
 * When their memory runs out, libmagic 5.44 frees what it never got, OpenSSL 3.0 takes a lock that it could not make as
 * it starts, and libzstd 1.5.4 uses tables for its threads that it could not make; libseccomp 2.5 goes round for ever.
 * These are spared: while they work, nothing fails and nothing is counted. (Before libseccomp is asked, the program looks whether there is room: that allocation counts.) */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
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

/* Shared with workers. */
struct counts {
    atomic_ulong allocations, before_commit;
};
static struct counts own, *counts = &own;
static _Thread_local bool spared;
static uintptr_t seccomp_start, seccomp_end;

static int find_seccomp(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    if (!strstr(info->dlpi_name, "/libseccomp."))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
            seccomp_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            seccomp_end = seccomp_start + info->dlpi_phdr[i].p_memsz;
        }
    return 1;
}

__attribute__((constructor)) static void start(void)
{
    int flags = MAP_SHARED | MAP_ANONYMOUS;
    void *p = (void *)syscall(SYS_mmap, NULL, sizeof own, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        abort();
    counts = p;
    counts->allocations = own.allocations;
    dl_iterate_phdr(find_seccomp, NULL);
}

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

size_t ZSTD_compressStream2(void *context, void *out, void *in, int end);

size_t ZSTD_compressStream2(void *context, void *out, void *in, int end)
{
    size_t (*real)(void *, void *, void *, int);
    *(void **)&real = dlsym(RTLD_NEXT, "ZSTD_compressStream2");
    spared = true;
    size_t left = real(context, out, in, end);
    spared = false;
    return left;
}

static bool fails(const void *caller)
{
    const char *at = getenv("FAULT_MALLOC_AT");
    if (spared || ((uintptr_t)caller >= seccomp_start && (uintptr_t)caller < seccomp_end))
        return false;
    unsigned long this = ++counts->allocations;
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
    return fails(__builtin_return_address(0)) ? nothing() : __libc_malloc(n);
}

void *calloc(size_t k, size_t n)
{
    return fails(__builtin_return_address(0)) ? nothing() : __libc_calloc(k, n);
}

void *realloc(void *p, size_t n)
{
    return fails(__builtin_return_address(0)) ? nothing() : __libc_realloc(p, n);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails(__builtin_return_address(0)) ? nothing() : __libc_memalign(alignment, n);
}

int posix_memalign(void **out, size_t alignment, size_t n)
{
    *out = aligned_alloc(alignment, n);
    return *out ? 0 : ENOMEM;
}

/* Guarded memory for secrets comes from here. */
void *mmap(void *p, size_t n, int protection, int flags, int fd, off_t at)
{
    if ((flags & MAP_ANONYMOUS) && fails(__builtin_return_address(0))) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, p, n, protection, flags, fd, at);
}

int fdatasync(int fd)
{
    unsigned long none = 0;
    atomic_compare_exchange_strong(&counts->before_commit, &none, counts->allocations);
    return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((destructor)) static void tell(void)
{
    char text[64];
    const char *path = getenv("FAULT_MALLOC_COUNT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    int n = snprintf(text, sizeof text, "%lu %lu\n", counts->allocations, counts->before_commit);
    if (write(fd, text, (size_t)n) != n)
        abort();
    close(fd);
}
