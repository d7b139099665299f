/* SPDX-License-Identifier: MIT */
/* A pack, or its index, of strangers: the store opens, gives no document under a digest that its good bytes do
 * not have, and what reindex finds in a pack is what it found before.
 *
 * The input is the pack; where its first byte is 'I', the rest is written over the slots of the index of a good
 * one, from the offset on that the next two bytes say. */
#include "fuzz/fuzz.h"

#include "store/pack_file.h"
#include "store/store_folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void path_in(const char *folder, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", folder, name);
}

static void drop(const char *folder)
{
    static const char *const names[] = {
        "packs/000000.tar", "packs/000001.tar", "packs/index", "packs", "objects", "tmp", ""};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_in(folder, names[i], path);
        remove(path);
    }
}

static void make(char folder[64])
{
    char path[128];
    snprintf(folder, 64, "%s/vdm-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    FUZZ_CHECK(mkdtemp(folder));
    static const char *const names[] = {"packs", "objects", "tmp"};
    for (size_t i = 0; i < 3; i++) {
        path_in(folder, names[i], path);
        FUZZ_CHECK(mkdir(path, 0700) == 0);
    }
}

static void write_file(const char *folder, const char *name, uint64_t at, struct vdm_bytes data)
{
    char path[128];
    path_in(folder, name, path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    FUZZ_CHECK(fd >= 0 && vdm_fd_write_at(fd, at, data, NULL));
    close(fd);
}

struct seen {
    struct vdm_store *s;
    uint64_t objects, sum;
};

static bool visit(void *ctx, const struct vdm_store_item *item, bool *stop, struct vdm_err *err)
{
    struct seen *seen = ctx;
    enum vdm_store_state state = VDM_STORE_MISSING;
    (void)stop, (void)err;
    if (item->stranger)
        return true;
    FUZZ_CHECK(item->size_bytes <= VDM_PACK_DOCUMENT_MAX);
    /* Who only reads cannot make an index. */
    FUZZ_CHECK(vdm_store_check(seen->s, item->id, VDM_SIZE_UNKNOWN, &state, NULL) ||
               !seen->s->writable);
    seen->objects++;
    seen->sum += item->id.b[0] + item->id.b[31] * UINT64_C(256) + (uint64_t)state * 65536;
    return true;
}

/* What was met is passed over, once it was: never more than there is. */
static void pass_over(const struct seen *all)
{
    struct seen while_met = {.s = all->s}, rest = {.s = all->s};
    struct vdm_store_met *met;
    FUZZ_CHECK(vdm_store_met_open(&met, NULL));
    vdm_store_pass_over(all->s, met);
    FUZZ_CHECK(vdm_store_each(all->s, visit, &while_met, NULL) || !all->s->writable);
    FUZZ_CHECK(vdm_store_each(all->s, visit, &rest, NULL) || !all->s->writable);
    FUZZ_CHECK(while_met.objects <= all->objects && rest.objects <= while_met.objects);
    vdm_store_pass_over(all->s, NULL);
    vdm_store_met_close(met);
}

static struct seen look(const char *folder, bool writable, bool reindex)
{
    struct seen seen = {0};
    struct vdm_err err = {0};
    bool opened = vdm_store_open_folder(&seen.s, fuzz_crypto(), folder, writable, &err);
    FUZZ_CHECK(opened);
    FUZZ_CHECK(!reindex || vdm_store_reindex(seen.s, NULL));
    FUZZ_CHECK(vdm_store_each(seen.s, visit, &seen, NULL) || !writable);
    pass_over(&seen);
    vdm_store_close(seen.s);
    return seen;
}

static bool read_once(void *ctx, uint8_t *p, size_t cap, size_t *got, struct vdm_err *err)
{
    struct vdm_bytes *rest = ctx;
    (void)err;
    *got = rest->n < cap ? rest->n : cap;
    if (*got)
        memcpy(p, rest->p, *got);
    *rest = vdm_bytes_skip(*rest, *got);
    return true;
}

static void put(struct vdm_store *s, const char *text)
{
    struct vdm_bytes rest = vdm_str(text);
    struct vdm_stored stored;
    FUZZ_CHECK(vdm_store_put(s, read_once, &rest, rest.n, &stored, NULL));
}

static void check_index(const char *folder, struct vdm_bytes input)
{
    struct vdm_store *s;
    uint64_t at = fuzz_number(&input, 2) * 16;
    FUZZ_CHECK(vdm_store_open_folder(&s, fuzz_crypto(), folder, true, NULL));
    put(s, "one");
    put(s, "two");
    FUZZ_CHECK(vdm_store_sync(s, NULL));
    vdm_store_close(s);
    write_file(folder, "packs/index", 135168 + at % 65536,
               input.n < 4096 ? input : (struct vdm_bytes){input.p, 4096});
    struct stat st;
    char path[128];
    path_in(folder, "packs/index", path);
    FUZZ_CHECK(stat(path, &st) == 0);
    if (st.st_size > 135168 + 65536)
        FUZZ_CHECK(truncate(path, 135168 + 65536) == 0);
    look(folder, false, false);
    FUZZ_CHECK(look(folder, true, true).objects == 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes input = {data, n};
    char folder[64];
    make(folder);
    if (n && data[0] == 'I') {
        check_index(folder, vdm_bytes_skip(input, 1));
    } else {
        write_file(folder, "packs/000000.tar", 0, input);
        look(folder, false, false);
        struct seen first = look(folder, true, false), again = look(folder, true, true);
        FUZZ_CHECK(first.objects == again.objects && first.sum == again.sum);
    }
    drop(folder);
    return 0;
}
