/* SPDX-License-Identifier: MIT */
#include "capture/container.h"

const struct vdm_container_format *const vdm_container_formats[] = {NULL};
