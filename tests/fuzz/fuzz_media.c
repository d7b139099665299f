/* SPDX-License-Identifier: MIT */
/* What a document looks like: a media type in its one form, or none. libmagic is not ours, but its
 * answer is put into records. */
#include "fuzz/fuzz.h"

#include "capture/media.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct vdm_media *media; /* loading its database takes milliseconds */
    char type[VDM_MEDIA_TYPE_MAX + 1];
    FUZZ_CHECK(media || vdm_media_open(&media, NULL));
    vdm_media_guess(media, (struct vdm_bytes){data, n}, type);
    FUZZ_CHECK(memchr(type, 0, sizeof type));
    FUZZ_CHECK(type[0] == 0 || vdm_media_type_valid(vdm_str(type)));
    FUZZ_CHECK(n > 0 || type[0] == 0);
    struct vdm_bytes input = {data, n};
    FUZZ_CHECK(!vdm_media_type_valid(input) || (n >= 3 && memchr(data, '/', n)));
    return 0;
}
