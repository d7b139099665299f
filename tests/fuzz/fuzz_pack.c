/* SPDX-License-Identifier: MIT */
/* A tar or a zip, and the bag or the WACZ in it: what the reader tells is in its form, a member follows another, and
 * what is called a slice is these bytes of the file. */
#include "fuzz/told.h"

#include "capture/pack.h"
#include "capture/wacz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct vdm_container_format *const formats[] = {&vdm_tar_format, &vdm_wacz_format,
                                                                 &vdm_zip_format, NULL};
    struct fuzz_told told VDM_CLEANUP(fuzz_told_release);
    vdm_packed_prepare();
    fuzz_told(&told, formats, (struct vdm_bytes){data, n}, NULL);
    return 0;
}
