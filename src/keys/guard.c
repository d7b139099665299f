/* SPDX-License-Identifier: MIT */
/* Invariants, and who attacks them (tests/unit/keys/test_guard):
 *   I3 (its third step) What replace returned for is what read gives after a crash.
 *   I6 (its memory)     Only a missing file reads as "nothing signed yet". */
#include "keys/guard.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

static bool check(struct vdm_bytes note, struct vdm_err *err)
{
    struct vdm_note parts;
    struct vdm_checkpoint checkpoint;
    return vdm_checkpoint_open(note, &parts, &checkpoint, err);
}

static bool is_link(int keys)
{
    struct stat st;
    return fstatat(keys, VDM_GUARD_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

/* It is not one that we wrote, and may stand in the place of one that we did. */
static bool fail_odd(int keys, struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_REFUSED,
                       "%s, which vidimus never writes there: move it away and put back the file "
                       "that was there; where there is none, `vidimus recover` makes it anew",
                       is_link(keys) ? "it is a link" : "it is not a file");
}

/* No link: one that leads nowhere would read as a missing file. */
static bool read_whole(int keys, bool *present, struct vdm_buf *out, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_err why = {0};
    if (!vdm_file_open(keys, VDM_GUARD_FILE, false, &fd, &why)) {
        *present = false;
        if (why.kind == VDM_ERR_NOT_FOUND)
            return true;
        if (why.kind == VDM_ERR_REFUSED)
            return fail_odd(keys, err);
        return vdm_fail_as(err, why.kind, "%s", why.text);
    }
    *present = true;
    size_t got = 0;
    uint8_t *room = vdm_buf_grow(out, VDM_NOTE_MAX + 1);
    if (!room)
        return vdm_fail_memory(err);
    if (!vdm_fd_read(fd, room, VDM_NOTE_MAX + 1, &got, err))
        return false;
    out->n = got;
    return true;
}

bool vdm_guard_read(int keys, bool *present, struct vdm_buf *note, struct vdm_err *err)
{
    struct vdm_buf whole VDM_CLEANUP(vdm_buf_release) = {0};
    bool there = false;
    if (!read_whole(keys, &there, &whole, err) || (there && !check(vdm_buf_bytes(&whole), err)))
        return vdm_err_prefix(err, VDM_GUARD_FILE);
    vdm_buf_put(note, vdm_buf_bytes(&whole));
    if (!vdm_buf_ok(note, err))
        return false;
    *present = there;
    return true;
}

bool vdm_guard_replace(int keys, struct vdm_bytes note, struct vdm_err *err)
{
    if (!check(note, err) || !vdm_file_publish(keys, VDM_GUARD_FILE, 0644, true, note, err))
        return vdm_err_prefix(err, VDM_GUARD_FILE);
    return true;
}

bool vdm_guard_recover(int keys, struct vdm_err *err)
{
    return vdm_new_file_recover(keys, VDM_GUARD_FILE, err) || vdm_err_prefix(err, "keys");
}
