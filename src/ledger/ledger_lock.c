/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/time.h"
#include "ledger/ledger_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LOCKS_MAX (1u << 20)

/* Which process holds a flock(2) on this file, by the list of locks of proc(5); 0: not to be told. */
static int holder_of(int fd)
{
    struct vdm_buf locks VDM_CLEANUP(vdm_buf_release) = {0};
    struct stat st;
    char place[64];
    int pid = 0;
    if (fstat(fd, &st) != 0 || !vdm_file_read(AT_FDCWD, "/proc/locks", LOCKS_MAX, &locks, NULL))
        return 0;
    snprintf(place, sizeof place, " %02x:%02x:%llu ", major(st.st_dev), minor(st.st_dev),
             (unsigned long long)st.st_ino);
    struct vdm_bytes rest = vdm_buf_bytes(&locks), line;
    while (vdm_cut_line(&rest, &line)) {
        char *text VDM_CLEANUP(vdm_free_string) = vdm_bytes_dup(line);
        if (text && strstr(text, place) && sscanf(text, "%*s FLOCK %*s %*s %d", &pid) == 1)
            return pid;
    }
    return 0;
}

static void describe_holder(int fd, char *out, size_t cap)
{
    struct vdm_buf name VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest, line;
    char path[64];
    int pid = holder_of(fd);
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    snprintf(out, cap, "another program");
    if (pid <= 0 || !vdm_file_read(AT_FDCWD, path, VDM_SMALL_FILE_MAX, &name, NULL))
        return;
    rest = vdm_buf_bytes(&name);
    if (vdm_cut_line(&rest, &line))
        snprintf(out, cap, "another program, %.*s (process %d)", (int)line.n, (const char *)line.p,
                 pid);
}

bool vdm_ledger_lock(struct vdm_ledger *l, unsigned seconds, const struct vdm_ledger_wait *wait,
                     struct vdm_err *err)
{
    uint64_t begun = vdm_clock_ms();
    bool told = !wait || !wait->tell;
    char holder[128];
    while (flock(l->folder, LOCK_EX | LOCK_NB) != 0) {
        uint64_t waited = vdm_clock_ms() - begun;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return vdm_fail_errno(err, "lock the ledger");
        if (waited >= (uint64_t)seconds * 1000) {
            describe_holder(l->folder, holder, sizeof holder);
            return vdm_fail(err, "%s, has been writing to the ledger for %u s", holder, seconds);
        }
        if (wait && wait->stop && wait->stop(wait->ctx))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED,
                               "interrupted while it waited for another program to finish writing");
        if (!told && waited >= VDM_LEDGER_WAIT_MS) {
            describe_holder(l->folder, holder, sizeof holder);
            wait->tell(wait->ctx, holder);
            told = true;
        }
        usleep(5000);
    }
    return true;
}

void vdm_ledger_unlock(struct vdm_ledger *l)
{
    flock(l->folder, LOCK_UN);
}
