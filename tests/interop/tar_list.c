/* SPDX-License-Identifier: MIT */
/* Lists a tar as our reader sees it: `<size> <name>` for each member. Exit status 1, with the reason
 * on standard error, where it is not one that we read to its end. */
#include "base/file.h"
#include "bundle/tar.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

static int list(int fd)
{
    struct vdm_stream_reader *s VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    struct vdm_tar_reader r;
    struct vdm_tar_member m;
    enum vdm_tar_status status = VDM_TAR_OK;
    struct vdm_err err = {0};
    if (!vdm_stream_reader_open(&s, fd, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 2;
    }
    vdm_tar_reader_init(&r, s);
    while (vdm_tar_reader_next(&r, &status, &m, &err) && status == VDM_TAR_OK)
        printf("%" PRIu64 " %s\n", m.size, m.name);
    fprintf(stderr, "%s\n", err.text[0] ? err.text : r.reason);
    return status == VDM_TAR_END ? 0 : 1;
}

int main(int argc, char **argv)
{
    int fd VDM_CLEANUP(vdm_fd_close) = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        fprintf(stderr, "usage: tar_list FILE\n");
        return 2;
    }
    return list(fd);
}
