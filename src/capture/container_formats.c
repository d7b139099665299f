/* SPDX-License-Identifier: MIT */
#include "capture/container.h"
#include "capture/pack.h"
#include "capture/wacz.h"
#include "capture/warc.h"

#include <string.h>
#include <strings.h>

const char *vdm_container_promised(struct vdm_bytes name)
{
    static const struct {
        const char *ending, *what;
    } all[] = {{".tar.gz", "a tar"},  {".tgz", "a tar"},      {".tar.zst", "a tar"},
               {".tar.bz2", "a tar"}, {".tbz2", "a tar"},     {".tar.xz", "a tar"},
               {".txz", "a tar"},     {".warc.gz", "a WARC"}, {".warc.zst", "a WARC"}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        size_t n = strlen(all[i].ending);
        if (name.n > n && strncasecmp((const char *)name.p + name.n - n, all[i].ending, n) == 0)
            return all[i].what;
    }
    return NULL;
}

const struct vdm_container_format *const vdm_container_formats[] = {
    &vdm_warc_format, &vdm_tar_format, &vdm_wacz_format, &vdm_zip_format, NULL};
