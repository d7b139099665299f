/* SPDX-License-Identifier: MIT */
#include "capture/container.h"
#include "capture/pack.h"
#include "capture/wacz.h"
#include "capture/warc.h"

const struct vdm_container_format *const vdm_container_formats[] = {
    &vdm_warc_format, &vdm_tar_format, &vdm_wacz_format, &vdm_zip_format, NULL};
