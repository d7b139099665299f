/* SPDX-License-Identifier: MIT */
/* For tests of what may stand in the place of a document that is a file: moves them out of the packs. After
 * the headers of cmocka. */
#ifndef VDM_TESTS_DOCUMENTS_H
#define VDM_TESTS_DOCUMENTS_H

#include "base/file.h"
#include "store/store_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline bool documents_note(void *ctx, const struct vdm_store_item *item, bool *stop,
                                  struct vdm_err *err)
{
    (void)stop, (void)err;
    if (!item->stranger)
        vdm_buf_put(ctx, vdm_digest_bytes(&item->id));
    return true;
}

static inline void document_as_file(struct vdm_store *s, const char *store, struct vdm_digest id)
{
    char hex[65], path[700];
    size_t got;
    struct vdm_store_reader r = {0};
    vdm_digest_hex(id, hex);
    snprintf(path, sizeof path, "%.600s/objects/%.2s/%s", store, hex, hex + 2);
    if (access(path, F_OK) == 0)
        return;
    assert_true(vdm_store_get(s, id, &r, NULL));
    uint8_t *p = malloc(r.size_bytes + 1);
    assert_non_null(p);
    assert_true(r.read(&r, p, r.size_bytes + 1, &got, NULL) && got == r.size_bytes);
    vdm_store_reader_close(&r);
    assert_true(vdm_store_erase(s, id, VDM_SIZE_UNKNOWN, NULL));
    path[strlen(path) - 63] = 0;
    mkdir(path, 0700);
    path[strlen(path)] = '/';
    assert_true(vdm_file_publish(AT_FDCWD, path, 0444, false, (struct vdm_bytes){p, got}, NULL));
    free(p);
}

/* `store` is the path of store/. Nobody may have it open. */
static inline void documents_as_files(struct vdm_crypto *c, const char *store)
{
    struct vdm_store *s;
    struct vdm_buf ids = {0};
    struct vdm_digest id;
    assert_true(vdm_store_open_folder(&s, c, store, true, NULL));
    assert_true(vdm_store_each(s, documents_note, &ids, NULL));
    for (size_t at = 0; at < ids.n; at += sizeof id) {
        memcpy(&id, ids.p + at, sizeof id);
        document_as_file(s, store, id);
    }
    vdm_buf_release(&ids);
    vdm_store_close(s);
}

#endif
