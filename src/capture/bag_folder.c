/* SPDX-License-Identifier: MIT */
#include "capture/bag_folder.h"

#include "base/file.h"
#include "base/limits.h"
#include "capture/bag_list.h"
#include "capture/container.h"
#include "capture/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct vdm_bag_folder {
    char *path;
    struct vdm_bag *bag; /* the names and sums alone: the verdict is the worker's */
    struct vdm_sums *sums;
    struct vdm_sum sum[VDM_SUM_KINDS];
    int list; /* what the worker gets to read, see bag_list.h */
    struct vdm_buf piece, text;
    struct vdm_container *judge;
    struct vdm_bag_strings findings;
    vdm_bag_read_fn *told;
    void *ctx;
};

struct vdm_bytes vdm_bag_folder_name(const struct vdm_bag_folder *f, struct vdm_bytes path)
{
    return vdm_bytes_skip(path, strlen(f->path) + 1);
}

/* --- every file, one call each --- */

typedef bool each_fn(struct vdm_bag_folder *f, const struct vdm_walk_item *item,
                     struct vdm_err *err);

static bool each(struct vdm_bag_folder *f, each_fn *see, struct vdm_err *err)
{
    struct vdm_walk *walk VDM_CLEANUP(vdm_walk_cleanup) = NULL;
    struct vdm_walk_item item;
    const char *paths[] = {f->path};
    bool more = true;
    if (!vdm_walk_open(&walk, paths, 1, err))
        return false;
    while (vdm_walk_next(walk, &item, &more, err)) {
        if (!more)
            return true;
        if (!see(f, &item, err))
            return false;
    }
    return false;
}

static bool put_list(struct vdm_bag_folder *f, struct vdm_err *err)
{
    bool ok = vdm_buf_ok(&f->piece, err) && vdm_fd_write(f->list, vdm_buf_bytes(&f->piece), err);
    vdm_buf_clear(&f->piece);
    return ok;
}

static bool list_file(struct vdm_bag_folder *f, const struct vdm_walk_item *item,
                      struct vdm_err *err)
{
    struct vdm_bytes name = vdm_bag_folder_name(f, item->path);
    if (item->kind == VDM_WALK_FILE)
        return vdm_bag_add(f->bag, name, item->size_bytes, err);
    vdm_buf_clear(&f->text);
    vdm_buf_put(&f->text, name);
    vdm_buf_putf(&f->text, ": %s", item->reason);
    vdm_bag_list_fault(&f->piece, vdm_buf_bytes(&f->text));
    return vdm_buf_ok(&f->text, err) && put_list(f, err);
}

static bool sum_bytes(struct vdm_bag_folder *f, struct vdm_source *source, bool keep,
                      struct vdm_err *err)
{
    uint8_t piece[VDM_COPY_BYTES];
    size_t got = 1;
    while (got) {
        if (!vdm_source_read(source, piece, sizeof piece, &got, err))
            return false;
        for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
            vdm_sum_add(&f->sum[k], (struct vdm_bytes){piece, got});
        if (keep && f->text.n <= VDM_BAG_TEXT_MAX)
            vdm_buf_put(&f->text, (struct vdm_bytes){piece, got});
        if (!f->told(f->ctx, got))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    }
    return vdm_source_finish(source, err) && vdm_buf_ok(&f->text, err);
}

static bool sum_source(struct vdm_bag_folder *f, const struct vdm_walk_item *item,
                       struct vdm_source *source, struct vdm_err *err)
{
    uint8_t values[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX] = {{0}};
    struct vdm_bytes name = vdm_bag_folder_name(f, item->path);
    unsigned kinds = vdm_bag_sums(f->bag);
    bool good = true;
    vdm_buf_clear(&f->text);
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (kinds >> k & 1)
            vdm_sum_begin(&f->sum[k], f->sums, (enum vdm_sum_kind)k);
    if (!sum_bytes(f, source, vdm_bag_wants_text(f->bag, name), err))
        return false;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (kinds >> k & 1)
            good = vdm_sum_end(&f->sum[k], values[k]) && good;
    if (!good)
        return vdm_fail_memory(err);
    const uint8_t(*v)[VDM_SUM_BYTES_MAX] = (const uint8_t(*)[VDM_SUM_BYTES_MAX])values;
    vdm_bag_list_file(&f->piece, name, item->size_bytes, kinds, v, vdm_buf_bytes(&f->text));
    return put_list(f, err) && vdm_bag_fill(f->bag, name, v, (struct vdm_bytes){NULL, 0}, err);
}

static bool sum_file(struct vdm_bag_folder *f, const struct vdm_walk_item *item,
                     struct vdm_err *err)
{
    struct vdm_source *source = NULL;
    if (item->kind != VDM_WALK_FILE)
        return true; /* a finding already */
    bool ok = vdm_source_open(&source, item, NULL, err) && sum_source(f, item, source, err);
    vdm_source_close(source);
    return ok || vdm_err_prefix(err, "%.*s", (int)item->path.n, item->path.p);
}

static bool has_data(const char *path)
{
    char *data VDM_CLEANUP(vdm_free_string) = NULL;
    struct stat st;
    return asprintf(&data, "%s/data", path) > 0 && lstat(data, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool read_all(struct vdm_bag_folder *f, struct vdm_err *err)
{
    if (!vdm_sums_open(&f->sums, err) || !vdm_bag_open(&f->bag, err) ||
        !vdm_file_scratch(-1, &f->list, err))
        return false;
    vdm_bag_list_begin(&f->piece, has_data(f->path));
    if (!put_list(f, err) || !each(f, list_file, err))
        return false;
    vdm_bag_need(f->bag, VDM_SUM_SHA256);
    vdm_bag_listed(f->bag);
    return each(f, sum_file, err);
}

/* --- the verdict --- */

static bool judge(struct vdm_bag_folder *f, struct vdm_err *err)
{
    static const struct vdm_container_format *const formats[] = {&vdm_bag_list_format, NULL};
    enum vdm_container_step step = VDM_CONTAINER_PROBLEM;
    uint64_t offset;
    if (!vdm_container_open(&f->judge, f->list, formats, err))
        return false;
    if (!f->judge)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the worker that judges the bag broke off");
    while (step != VDM_CONTAINER_END) {
        if (!vdm_container_next(f->judge, &step, err))
            return false;
        if (step == VDM_CONTAINER_PROBLEM)
            vdm_bag_string(&f->findings, vdm_str(vdm_container_problem(f->judge, &offset)));
    }
    return vdm_buf_ok(&f->findings.text, err);
}

bool vdm_bag_folder_open(struct vdm_bag_folder **out, const char *path, vdm_bag_read_fn *told,
                         void *ctx, struct vdm_err *err)
{
    struct vdm_bag_folder *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return vdm_fail_memory(err);
    }
    f->list = -1;
    f->told = told;
    f->ctx = ctx;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        f->sum[k].kind = VDM_SUM_KINDS;
    if (!read_all(f, err) || !judge(f, err)) {
        vdm_bag_folder_close(f);
        return false;
    }
    *out = f;
    return true;
}

void vdm_bag_folder_close(struct vdm_bag_folder *f)
{
    if (!f)
        return;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        vdm_sum_release(&f->sum[k]);
    vdm_container_close(f->judge);
    vdm_fd_close(&f->list);
    vdm_sums_close(f->sums);
    vdm_bag_close(f->bag);
    vdm_bag_strings_release(&f->findings);
    vdm_buf_release(&f->piece);
    vdm_buf_release(&f->text);
    free(f->path);
    free(f);
}

size_t vdm_bag_folder_findings(const struct vdm_bag_folder *f)
{
    return f->findings.n;
}

const char *vdm_bag_folder_finding(const struct vdm_bag_folder *f, size_t i)
{
    return (const char *)f->findings.text.p + f->findings.at[i];
}

const struct vdm_record_line *vdm_bag_folder_lines(const struct vdm_bag_folder *f, size_t *n)
{
    return vdm_container_about(f->judge, n);
}

bool vdm_bag_folder_holds(const struct vdm_bag_folder *f, struct vdm_bytes path)
{
    size_t n = strlen(f->path);
    return vdm_bytes_start_with(path, vdm_str(f->path)) && path.n > n && path.p[n] == '/';
}

bool vdm_bag_folder_same(const struct vdm_bag_folder *f, struct vdm_bytes path,
                         struct vdm_digest digest)
{
    const uint8_t *sum = vdm_bag_sum(f->bag, vdm_bag_folder_name(f, path), VDM_SUM_SHA256);
    return sum && memcmp(sum, digest.b, sizeof digest.b) == 0;
}
