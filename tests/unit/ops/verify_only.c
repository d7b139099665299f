/* SPDX-License-Identifier: MIT */
/* Verifies an archive or a bundle, and is linked without anything that signs: that it links at all,
 * and that no symbol of signing is in it, is the test. */
#include "base/file.h"
#include "ops/verify_archive.h"
#include "ops/verify_bundle.h"

#include <fcntl.h>
#include <stdio.h>

static bool verify(struct vdm_crypto *c, const char *path, struct vdm_report *r,
                   struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    if (vdm_dir_open(AT_FDCWD, path, &fd, err))
        return vdm_verify_archive(c, path, &(struct vdm_verify_options){0}, NULL, r, err);
    return vdm_file_open(AT_FDCWD, path, true, &fd, err) &&
           vdm_verify_bundle(c, fd, path, &(struct vdm_bundle_options){0}, NULL, r, err);
}

int main(int argc, char **argv)
{
    struct vdm_crypto *c VDM_CLEANUP(vdm_crypto_cleanup) = NULL;
    struct vdm_report report;
    struct vdm_err err = {0};
    vdm_report_init(&report);
    if (!vdm_crypto_open(&c, &err) || argc != 2 || !verify(c, argv[1], &report, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 3;
    }
    int status = vdm_verdict_status(vdm_report_verdict(&report));
    vdm_report_release(&report);
    return status;
}
