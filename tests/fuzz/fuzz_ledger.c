/* SPDX-License-Identifier: MIT */
/* The database of an archive, changed at any places: the check of the archive ends, and where the
 * database then says anything else than before, it finds something or cannot read it.
 *
 * The input is a list of changes, five bytes each, to a ledger of seven entries that is made when the
 * target starts: where (3 bytes), how (1: set, flip, cut off here, fill) and with what (1). */
#include "fuzz/fuzz.h"
#include "unit/ops/archive_kit.h"

#include "support/dump.h"

struct made {
    struct kit kit;
    char path[SCRATCH_PATH + 32];
    struct vdm_buf file, dump;
};

static void remove_folder(void);

/* Two more kinds of entries, in a commit of their own. */
static void amend_and_withdraw(struct kit *k)
{
    MUST(vdm_writer_begin(k->w, &k->err));
    append_capture(k, AMAL, "document 2\n", 2);
    append_withdrawal(k, AUTHORITY, 3, VDM_SCOPE_DOCUMENT);
    MUST(vdm_writer_commit(k->w, &k->err));
}

static struct made *made(void)
{
    static struct made m; /* an archive takes far longer to make than to check */
    if (m.file.n)
        return &m;
    kit_start(&m.kit);
    kit_make(&m.kit, 512);
    capture_until(&m.kit, 5);
    amend_and_withdraw(&m.kit);
    kit_close(&m.kit);
    snprintf(m.path, sizeof m.path, "%s/store/ledger.db", m.kit.path);
    m.file = file_content(m.path);
    FUZZ_CHECK(dump_ledger(m.path, &m.dump));
    atexit(remove_folder);
    return &m;
}

static void remove_folder(void)
{
    scratch_drop(made()->kit.dir);
}

static void change(struct vdm_buf *file, struct vdm_bytes *input)
{
    uint64_t at = fuzz_number(input, 3), how = fuzz_number(input, 1), with = fuzz_number(input, 1);
    at %= file->n;
    if (how < 64) {
        file->p[at] = (uint8_t)with;
    } else if (how < 192) {
        file->p[at] ^= (uint8_t)(1u << with % 8);
    } else if (how < 224) {
        size_t n = file->n - at < how ? file->n - at : (size_t)how;
        memset(file->p + at, (int)with, n);
    } else if (how < 240 && at > 0) {
        file->n = at;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct vdm_bytes rest = {data, n};
    struct made *m = made();
    struct vdm_buf file VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf dump VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_put(&file, vdm_buf_bytes(&m->file));
    while (rest.n)
        change(&file, &rest);
    file_write(m->path, vdm_buf_bytes(&file));
    bool ran = kit_check(&m->kit, (struct asked){.without_documents = true});
    bool found = !ran || vdm_report_findings(&m->kit.report) > 0;
    bool same = dump_ledger(m->path, &dump) &&
                vdm_bytes_equal(vdm_buf_bytes(&dump), vdm_buf_bytes(&m->dump));
    FUZZ_CHECK(same || found);
    FUZZ_CHECK(n > 0 || !found);
    FUZZ_CHECK(ran || m->kit.err.text[0]);
    struct vdm_buf after VDM_CLEANUP(vdm_buf_release) = file_content(m->path);
    fuzz_same(&after, vdm_buf_bytes(&file)); /* a check writes nothing */
    return 0;
}
