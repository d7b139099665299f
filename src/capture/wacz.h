/* SPDX-License-Identifier: MIT */
/* WACZ (1.0 to 1.2): a zip with WARCs in it, pages that name them, and a list of hashes.
 *
 * known      by datapackage.json, and by what lies in archive/, or should by what that says: a WARC that is missing is told
 * hashes     those of datapackage.json are checked before a record is taken: `hash` as `sha256:<hex>`, or as plain hex
 *            with `hashing` beside it or above, or in `stats`. A WARC that does not fit is not read. MD5 is compared, and said to
 *            be no evidence
 * records    of the WARCs that are stored as they are: members, with their place in the WACZ itself
 * titles     of pages/ *.jsonl, where url and time fit
 * signature  datapackage.json and datapackage-digest.json are members, byte for byte; a signature is told as
 *            present and not verified here */
#ifndef VDM_CAPTURE_WACZ_H
#define VDM_CAPTURE_WACZ_H

#include "capture/container.h"

extern const struct vdm_container_format vdm_wacz_format;

#endif
