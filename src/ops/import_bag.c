/* SPDX-License-Identifier: MIT */
/* A folder that is a bag: judged before the first of its files is taken. */
#include "ops/import_bag.h"

#include "capture/container.h"

#include <stdlib.h>

struct reading {
    struct vdm_importing *m;
    uint64_t read;
};

static bool tell_read(void *ctx, uint64_t bytes)
{
    struct reading *r = ctx;
    r->read += bytes;
    vdm_progress_tell(r->m->progress, "checking a bag", r->m->seen, r->m->total, r->read);
    return !vdm_progress_stop(r->m->progress);
}

/* The first says that it is refused as a whole. */
static void tell_findings(struct vdm_importing *m, struct vdm_bytes shown)
{
    if (vdm_bag_folder_findings(m->bag) > 0)
        vdm_import_refuse(m, shown, vdm_bag_folder_finding(m->bag, 0));
    for (size_t i = 1; i < vdm_bag_folder_findings(m->bag); i++) {
        m->done->problems++;
        vdm_import_say(m, &(struct vdm_input){.status = VDM_INPUT_PROBLEM,
                                              .path = shown,
                                              .offset = VDM_OFFSET_NONE,
                                              .reason = vdm_bag_folder_finding(m->bag, i)});
    }
}

/* What it cannot be judged for concerns this bag alone. */
static bool judge(struct vdm_importing *m, const struct vdm_walk_item *item, bool *valid,
                  struct vdm_err *err)
{
    char *path VDM_CLEANUP(vdm_free_string) = vdm_bytes_dup(item->path);
    struct reading r = {m, 0};
    struct vdm_err why = {0};
    *valid = false;
    if (!path)
        return vdm_fail_memory(err);
    if (vdm_bag_folder_open(&m->bag, path, tell_read, &r, &why)) {
        tell_findings(m, item->shown);
        *valid = vdm_bag_folder_findings(m->bag) == 0;
        return true;
    }
    if (why.kind != VDM_ERR_REFUSED && why.kind != VDM_ERR_NOT_FOUND)
        return vdm_fail_as(err, why.kind, "%s", why.text);
    vdm_import_refuse(m, item->shown, why.text);
    return true;
}

bool vdm_import_in_bag(const struct vdm_importing *m, const struct vdm_walk_item *item)
{
    return m->bag && vdm_bag_folder_holds(m->bag, item->path);
}

bool vdm_import_bag(struct vdm_importing *m, struct vdm_walk *walk,
                    const struct vdm_walk_item *item, struct vdm_err *err)
{
    bool valid;
    if (vdm_import_in_bag(m, item))
        return true; /* a bag in a bag is payload */
    vdm_bag_folder_close(m->bag);
    m->bag = NULL;
    m->bags++;
    if (!vdm_ledger_size(m->a->ledger, &m->bag_below, err))
        return false;
    m->bag_below += m->batched;
    if (!judge(m, item, &valid, err))
        return false;
    if (!valid)
        vdm_walk_pass_over(walk);
    return true;
}

bool vdm_import_bag_lines(const struct vdm_importing *m, const struct vdm_walk_item *item,
                          struct vdm_pending *p, struct vdm_import_known *known,
                          struct vdm_buf *path, struct vdm_err *err)
{
    if (!vdm_import_in_bag(m, item))
        return true;
    p->bag = m->bags;
    p->below = m->bag_below;
    vdm_buf_puts(path, "path: ");
    vdm_buf_put(path, vdm_bag_folder_name(m->bag, item->path));
    known->bag = vdm_bag_folder_lines(m->bag, &known->bag_lines);
    known->bag_path = vdm_buf_bytes(path);
    return vdm_buf_ok(path, err);
}

bool vdm_import_bag_same(const struct vdm_importing *m, const struct vdm_walk_item *item,
                         struct vdm_digest digest, struct vdm_err *err)
{
    return !vdm_import_in_bag(m, item) || vdm_bag_folder_same(m->bag, item->path, digest) ||
           vdm_fail_as(err, VDM_ERR_REFUSED, "it was changed after its bag was checked");
}
