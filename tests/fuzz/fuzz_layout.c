/* SPDX-License-Identifier: MIT */
/* Names of members and the small texts of a bundle: what is taken has one form. */
#include "fuzz/fuzz.h"

#include "bundle/layout.h"
#include "bundle/tar.h"

#include <string.h>

static void check_path(struct vdm_bytes input)
{
    struct vdm_layout_member m;
    char path[VDM_LAYOUT_PATH_MAX + 1];
    if (!vdm_layout_decode(input, &m))
        return;
    FUZZ_CHECK(input.n <= VDM_LAYOUT_PATH_MAX && m.n <= VDM_NUMBER_MAX);
    FUZZ_CHECK(vdm_layout_encode(&m, path, NULL) && vdm_bytes_equal_str(input, path));
    FUZZ_CHECK(!(vdm_layout_in_manifest(m.kind) && vdm_layout_in_tagmanifest(m.kind)));
}

/* The ending of any file name gives a member's name. */
static void check_ext(struct vdm_bytes input)
{
    struct vdm_layout_member m = {.kind = VDM_LAYOUT_FILE, .n = 1}, again;
    char path[VDM_LAYOUT_PATH_MAX + 1];
    vdm_layout_ext(input, m.ext);
    FUZZ_CHECK(vdm_layout_encode(&m, path, NULL));
    FUZZ_CHECK(vdm_layout_decode(vdm_str(path), &again) && strcmp(again.ext, m.ext) == 0);
}

static void check_bag_info(struct vdm_bytes input)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bag_info info;
    if (!vdm_bag_info_decode(input, &info, NULL))
        return;
    FUZZ_CHECK(input.n <= VDM_BAG_INFO_MAX);
    FUZZ_CHECK(vdm_bag_info_encode(&info, &again, NULL));
    fuzz_same(&again, input);
}

static void check_manifest_line(struct vdm_bytes input)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_layout_member m;
    struct vdm_digest digest;
    char path[VDM_LAYOUT_PATH_MAX + 1];
    if (!vdm_manifest_line_decode(input, &digest, &m))
        return;
    FUZZ_CHECK(input.n < VDM_MANIFEST_LINE_MAX && vdm_layout_encode(&m, path, NULL));
    vdm_manifest_append(&again, digest, path);
    FUZZ_CHECK(again.n-- > 0);
    fuzz_same(&again, input);
}

static void check_pem(struct vdm_bytes input)
{
    uint8_t again[VDM_KEY_PEM_BYTES];
    struct vdm_pubkey key;
    if (!vdm_key_pem_decode(input, &key))
        return;
    vdm_key_pem_encode(&key, again);
    FUZZ_CHECK(vdm_bytes_equal((struct vdm_bytes){again, sizeof again}, input));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    check_path(input);
    check_ext(input);
    check_bag_info(input);
    check_manifest_line(input);
    check_pem(input);
    FUZZ_CHECK(!vdm_bagit_valid(input) || n == strlen(VDM_BAGIT_TEXT));
    return 0;
}
