/* SPDX-License-Identifier: MIT */
#include "capture/wacz.h"

#include "base/limits.h"
#include "capture/container_members.h"
#include "capture/wacz_private.h"
#include "capture/warc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_page_list(struct vdm_bytes name)
{
    return vdm_bytes_start_with(name, VDM_LIT("pages/")) && name.n > 12 &&
           memcmp(name.p + name.n - 6, ".jsonl", 6) == 0;
}

static bool is_warc(struct vdm_bytes name)
{
    return vdm_bytes_start_with(name, VDM_LIT("archive/")) && name.n > 8 &&
           name.p[name.n - 1] != '/';
}

static bool wacz_may_be(struct vdm_bytes head)
{
    return vdm_bytes_start_with(head, VDM_LIT("PK\3\4"));
}

static bool says_wacz(struct vdm_packed *u)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes piece = {NULL, 1};
    while (piece.n && text.n <= VDM_WACZ_TEXT_MAX && vdm_packed_read(u, &piece))
        vdm_buf_put(&text, piece);
    return !text.failed && vdm_wacz_says_so(vdm_buf_bytes(&text));
}

/* By a WARC that is there, or that should be. */
static bool wacz_is(struct vdm_span *s)
{
    struct vdm_packed *u VDM_CLEANUP(vdm_packed_cleanup) = vdm_packed_open(s, VDM_PACKED_ZIP);
    bool package = false, archive = false;
    while (u && !(package && archive) && vdm_packed_next(u) == VDM_PACKED_ENTRY) {
        struct vdm_bytes name = vdm_packed_entry(u)->name;
        archive = archive || is_warc(name);
        if (!package && vdm_bytes_equal(name, VDM_LIT("datapackage.json"))) {
            package = true;
            archive = archive || says_wacz(u);
        }
    }
    return package && archive;
}

/* --- the files in it --- */

static struct vdm_wacz_file *add_file(struct vdm_wacz *w, struct vdm_bytes name)
{
    if (w->files == w->cap) {
        size_t cap = w->cap ? 2 * w->cap : 64;
        struct vdm_wacz_file *grown =
            cap > VDM_WACZ_FILES_MAX * 2 ? NULL : reallocarray(w->file, cap, sizeof *grown);
        if (!grown)
            return NULL;
        w->file = grown;
        w->cap = cap;
    }
    struct vdm_wacz_file *f = &w->file[w->files];
    *f = (struct vdm_wacz_file){.nth = w->files, .path = vdm_bytes_dup(name)};
    if (!f->path)
        return NULL;
    w->files++;
    return f;
}

static struct vdm_buf *text_of(struct vdm_wacz *w, struct vdm_bytes name)
{
    if (vdm_bytes_equal(name, VDM_LIT("datapackage.json")))
        return &w->package;
    if (vdm_bytes_equal(name, VDM_LIT("datapackage-digest.json")))
        return &w->digest;
    return is_page_list(name) ? &w->page_text : NULL;
}

static bool read_file(struct vdm_wacz *w, struct vdm_packed *u, struct vdm_wacz_file *f,
                      struct vdm_buf *text)
{
    struct vdm_bytes piece = {NULL, 1};
    struct vdm_sum sha256 = {VDM_SUM_KINDS, NULL}, md5 = {VDM_SUM_KINDS, NULL};
    const struct vdm_sums *sums = vdm_members_sums(w->to);
    bool whole = true;
    vdm_sum_begin(&sha256, sums, VDM_SUM_SHA256);
    vdm_sum_begin(&md5, sums, VDM_SUM_MD5);
    while (piece.n && vdm_members_wanted(w->to) && (whole = vdm_packed_read(u, &piece))) {
        vdm_members_passed(w->to, piece.n);
        vdm_sum_add(&sha256, piece);
        vdm_sum_add(&md5, piece);
        f->size += piece.n;
        if (text && text->n + piece.n <= VDM_WACZ_TEXT_MAX)
            vdm_buf_put(text, piece);
    }
    bool summed = vdm_sum_end(&sha256, f->sha256);
    return vdm_sum_end(&md5, f->md5) && summed && whole;
}

static bool see_file(void *ctx, struct vdm_packed *u)
{
    struct vdm_wacz *w = ctx;
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    if (e->folder)
        return true;
    struct vdm_wacz_file *f = w->files < VDM_WACZ_FILES_MAX ? add_file(w, e->name) : NULL;
    if (!f) {
        w->too_many = true;
        return false;
    }
    bool stored = !e->refused && vdm_packed_stored(u, &f->offset);
    if (!e->refused && read_file(w, u, f, text_of(w, e->name))) {
        f->stored = stored && vdm_packed_took(u, f->offset, f->size);
        return true;
    }
    char why[VDM_MEMBER_NAME_MAX + 200];
    snprintf(why, sizeof why, "%s: %s", f->path, e->refused ? e->refused : vdm_packed_why(u));
    vdm_members_problem(w->to, VDM_OFFSET_NONE, why);
    f->bad = true;
    return true;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct vdm_wacz_file *)a)->path, ((const struct vdm_wacz_file *)b)->path);
}

static int by_place(const void *a, const void *b)
{
    const struct vdm_wacz_file *f = a, *g = b;
    return f->nth < g->nth ? -1 : f->nth > g->nth;
}

static void sort_files(struct vdm_wacz *w)
{
    if (w->files)
        qsort(w->file, w->files, sizeof *w->file, by_path);
    for (size_t i = 1; i < w->files; i++)
        w->file[i].again = by_path(&w->file[i - 1], &w->file[i]) == 0;
}

struct vdm_wacz_file *vdm_wacz_find(const struct vdm_wacz *w, const char *path)
{
    struct vdm_wacz_file key = {.size = 0};
    key.path = (char *)(uintptr_t)path;
    return w->files ? bsearch(&key, w->file, w->files, sizeof *w->file, by_path) : NULL;
}

/* --- its members --- */

void vdm_wacz_refuse(struct vdm_wacz *w, const struct vdm_wacz_file *f, const char *why)
{
    char text[VDM_MEMBER_NAME_MAX + 200];
    snprintf(text, sizeof text, "%s %s: no record of it was taken", f->path, why);
    vdm_members_problem(w->to, f->offset, text);
}

static void take_text(struct vdm_wacz *w, const char *path, const struct vdm_buf *text)
{
    const struct vdm_wacz_file *f = vdm_wacz_find(w, path);
    if (!f || text->failed || text->n != f->size)
        return;
    vdm_members_begin(w->to, vdm_str(path));
    vdm_members_line(w->to, VDM_FIELD_FILE_NAME, vdm_str(path));
    vdm_members_describes(w->to);
    vdm_members_bytes(w->to, vdm_buf_bytes(text));
    if (f->stored && f->size)
        vdm_members_place(w->to, f->offset, f->size, "slice");
    vdm_members_done(w->to);
}

static void take_stored(struct vdm_wacz *w, const struct vdm_wacz_file *f)
{
    struct vdm_span part;
    if (!vdm_span_init(&part, w->p->s->fd, f->offset, f->offset + f->size) || !vdm_warc_is(&part)) {
        vdm_wacz_refuse(w, f, "is no WARC");
    } else {
        vdm_span_seek(&part, f->offset);
        vdm_warc_read(&part, w->to);
    }
    vdm_span_release(&part);
}

/* What is stored as it is, as it should be, is read there, and can be cut out of the WACZ. Who packs a WACZ again by
 * a program for zips packs the WARCs in it as well. */
static bool take_warc(void *ctx, struct vdm_packed *u)
{
    struct vdm_wacz *w = ctx;
    if (vdm_packed_entry(u)->folder)
        return true;
    if (w->taken == w->files)
        return false;
    const struct vdm_wacz_file *f = &w->file[w->taken++];
    if (!is_warc(vdm_str(f->path)) || !vdm_bytes_equal_str(vdm_packed_entry(u)->name, f->path))
        return true;
    if (f->bad)
        vdm_wacz_refuse(w, f, "is not what datapackage.json says of it");
    else if (f->stored)
        take_stored(w, f);
    else
        vdm_wacz_take_packed(w, f, u);
    return true;
}

static void take_all(struct vdm_wacz *w)
{
    bool whole;
    take_text(w, "datapackage.json", &w->package);
    take_text(w, "datapackage-digest.json", &w->digest);
    if (w->files)
        qsort(w->file, w->files, sizeof *w->file, by_place);
    vdm_members_watch(w->to, vdm_wacz_see_line, w);
    w->p->quiet = true;
    vdm_pack_each(w->p, take_warc, w, &whole);
    vdm_members_watch(w->to, NULL, NULL);
}

static void release(struct vdm_wacz *w)
{
    for (size_t i = 0; i < w->files; i++)
        free(w->file[i].path);
    free(w->file);
    free(w->page);
    vdm_buf_release(&w->package);
    vdm_buf_release(&w->digest);
    vdm_buf_release(&w->page_text);
    vdm_buf_release(&w->source);
    vdm_buf_release(&w->captured);
    json_decref(w->json);
    json_decref(w->pages_json);
}

static void run(struct vdm_span *s, struct vdm_members *to)
{
    struct vdm_pack p = {s, to, VDM_PACKED_ZIP, vdm_unpack_max(s->end - s->start), .quiet = false};
    struct vdm_wacz w = {.p = &p, .to = to};
    bool whole;
    vdm_pack_each(&p, see_file, &w, &whole);
    if (w.too_many)
        vdm_members_problem(to, VDM_OFFSET_NONE, "it has more files than are taken");
    if (whole)
        vdm_pack_check_end(&p);
    sort_files(&w);
    vdm_wacz_check(&w);
    vdm_wacz_about(&w);
    vdm_wacz_read_pages(&w);
    take_all(&w);
    release(&w);
}

const struct vdm_container_format vdm_wacz_format = {"WACZ", true, wacz_may_be, wacz_is, run};
