/* SPDX-License-Identifier: MIT */
#include "capture/pack.h"

#include "base/limits.h"
#include "base/text.h"
#include "capture/container_members.h"
#include "capture/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what it is by its first bytes --- */

static bool is_tar_sum(struct vdm_bytes head)
{
    unsigned sum = 0, stated = 0;
    if (head.n < 512 || head.p[0] == 0)
        return false;
    for (size_t i = 0; i < 512; i++)
        sum += i >= 148 && i < 156 ? ' ' : head.p[i];
    size_t i = 148;
    while (i < 156 && head.p[i] == ' ')
        i++;
    for (; i < 156 && head.p[i] >= '0' && head.p[i] <= '7'; i++)
        stated = stated * 8 + (head.p[i] - '0');
    return sum == stated;
}

static bool tar_may_be(struct vdm_bytes head)
{
    return is_tar_sum(head) || vdm_bytes_start_with(head, VDM_LIT("\x1f\x8b\x08")) ||
           vdm_bytes_start_with(head, VDM_LIT("BZh")) ||
           vdm_bytes_start_with(head, VDM_LIT("\xFD"
                                              "7zXZ\0")) ||
           vdm_bytes_start_with(head, VDM_LIT("\x28\xB5\x2F\xFD"));
}

/* An empty zip holds nothing to take: it stays a file. */
static bool zip_may_be(struct vdm_bytes head)
{
    return vdm_bytes_start_with(head, VDM_LIT("PK\3\4"));
}

static bool tar_is(struct vdm_span *s)
{
    struct vdm_packed *u VDM_CLEANUP(vdm_packed_cleanup) = vdm_packed_open(s, VDM_PACKED_TAR);
    return u && vdm_packed_next(u) == VDM_PACKED_ENTRY;
}

/* Office documents, books and programs are zips as well; nobody means their parts. */
static bool marks_document(struct vdm_bytes name, bool first)
{
    static const char *const marks[] = {"[Content_Types].xml",    "META-INF/MANIFEST.MF",
                                        "META-INF/container.xml", "AndroidManifest.xml",
                                        "META-INF/manifest.xml",  "doc.kml",
                                        "Index/Document.iwa"};
    if (first && vdm_bytes_equal(name, VDM_LIT("mimetype")))
        return true;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (vdm_bytes_equal(name, vdm_str(marks[i])))
            return true;
    return false;
}

static bool zip_is(struct vdm_span *s)
{
    struct vdm_packed *u VDM_CLEANUP(vdm_packed_cleanup) = vdm_packed_open(s, VDM_PACKED_ZIP);
    bool first = true;
    while (u && vdm_packed_next(u) == VDM_PACKED_ENTRY) {
        if (marks_document(vdm_packed_entry(u)->name, first))
            return false;
        first = false;
    }
    return !first;
}

/* --- a pass --- */

/* Bytes that become no member. What can be passed over without reading costs nothing and is not counted. */
static void pass_over(struct vdm_pack *p, struct vdm_packed *u)
{
    struct vdm_bytes piece = {NULL, 1};
    while (!vdm_packed_skips(u) && piece.n && vdm_members_wanted(p->to) &&
           vdm_packed_read(u, &piece))
        vdm_members_passed(p->to, piece.n);
}

static void tell_broken(struct vdm_pack *p, const struct vdm_packed *u)
{
    char text[300];
    snprintf(text, sizeof text, "%s, at byte %llu of what it unpacks to", vdm_packed_why(u),
             (unsigned long long)vdm_packed_broke_at(u));
    if (vdm_packed_skips(u))
        vdm_members_problem(p->to, vdm_packed_broke_at(u), vdm_packed_why(u));
    else
        vdm_members_problem(p->to, VDM_OFFSET_NONE, text);
}

void vdm_pack_each(struct vdm_pack *p, vdm_pack_see_fn *see, void *ctx, bool *whole)
{
    struct vdm_packed *u VDM_CLEANUP(vdm_packed_cleanup) = vdm_packed_open(p->s, p->kind);
    enum vdm_packed_step step = VDM_PACKED_BROKEN;
    *whole = false;
    p->entries = 0;
    while (u && vdm_members_wanted(p->to) && (step = vdm_packed_next(u)) == VDM_PACKED_ENTRY) {
        /* Its header, so that very many of them count as well. */
        vdm_members_passed(p->to, vdm_packed_stepped(u));
        p->entries++;
        if (!see(ctx, u))
            return;
        pass_over(p, u);
    }
    *whole = step == VDM_PACKED_END;
    if (u)
        vdm_members_passed(p->to, vdm_packed_stepped(u));
    if (*whole)
        p->end = vdm_packed_end(u);
    else if (u && step == VDM_PACKED_BROKEN && !p->quiet)
        tell_broken(p, u);
}

/* --- members --- */

static void put_field(struct vdm_members *to, const char *name, struct vdm_bytes value)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    if (value.n == 0)
        return;
    vdm_buf_putf(&line, "%s: ", name);
    vdm_buf_put(&line, value);
    if (!line.failed)
        vdm_members_line(to, VDM_FIELD_FIELD, vdm_buf_bytes(&line));
}

void vdm_pack_begin(struct vdm_pack *p, const struct vdm_packed_entry *e)
{
    struct vdm_bytes base = vdm_path_name(e->name);
    vdm_members_begin(p->to, e->name);
    vdm_members_line(p->to, VDM_FIELD_FILE_NAME, base.n ? base : e->name);
    put_field(p->to, "path", e->name);
    put_field(p->to, "modified", vdm_str(e->modified));
}

static void take_bytes(struct vdm_pack *p, struct vdm_packed *u)
{
    struct vdm_bytes piece = {NULL, 1};
    uint64_t from = 0, bytes = 0;
    bool stored = vdm_packed_stored(u, &from);
    while (piece.n && vdm_members_wanted(p->to)) {
        if (!vdm_packed_read(u, &piece)) {
            vdm_members_refuse(p->to, vdm_packed_why(u));
            return;
        }
        vdm_members_bytes(p->to, piece);
        bytes += piece.n;
    }
    if (stored && bytes && vdm_packed_took(u, from, bytes))
        vdm_members_place(p->to, from, bytes, "slice");
    vdm_members_done(p->to);
}

void vdm_pack_take(struct vdm_pack *p, struct vdm_packed *u)
{
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    if (e->refused)
        vdm_members_refuse(p->to, e->refused);
    else if (e->size != UINT64_MAX && e->size > p->most)
        vdm_members_refuse(p->to, "it unpacks to more than a container of its size may");
    else
        take_bytes(p, u);
}

static bool take_plain(void *ctx, struct vdm_packed *u)
{
    struct vdm_pack *p = ctx;
    const struct vdm_packed_entry *e = vdm_packed_entry(u);
    if (!e->folder) {
        vdm_pack_begin(p, e);
        vdm_pack_take(p, u);
    }
    return true;
}

/* --- what sort it is --- */

/* By the names in it. A bag's folder is the only thing at the top, or the container's root itself. */
struct sort {
    struct vdm_buf
        top; /* the folder at the top that was met last, as it is named, with its slash */
    unsigned tops;
    bool beside; /* there are files at the top */
    unsigned top_marks, root_marks;
    bool bag_in_top;           /* in one of them */
    bool warc, lists, package; /* as a WACZ has them */
};

static void see_wacz(struct sort *k, struct vdm_bytes name)
{
    k->warc = k->warc || (vdm_bytes_start_with(name, VDM_LIT("archive/")) &&
                          memmem(name.p, name.n, ".warc", 5));
    k->lists = k->lists || vdm_bytes_start_with(name, VDM_LIT("pages/")) ||
               vdm_bytes_start_with(name, VDM_LIT("indexes/"));
    k->package = k->package || vdm_bytes_equal(name, VDM_LIT("datapackage.json"));
}

static void see_below(struct sort *k, struct vdm_bytes top, struct vdm_bytes name)
{
    if (!vdm_bytes_equal(top, vdm_buf_bytes(&k->top))) {
        vdm_buf_clear(&k->top);
        vdm_buf_put(&k->top, top);
        k->tops++;
        k->top_marks = 0;
    }
    k->top_marks |= vdm_bag_mark(name);
    k->bag_in_top = k->bag_in_top || vdm_bag_is_marked(k->top_marks);
}

static bool see_name(void *ctx, struct vdm_packed *u)
{
    struct sort *k = ctx;
    struct vdm_bytes name = vdm_packed_entry(u)->name, rest = name, part;
    while (vdm_bytes_start_with(rest, VDM_LIT("./")))
        rest = vdm_bytes_skip(rest, 2);
    if (rest.n == 0)
        return true;
    see_wacz(k, rest);
    k->root_marks |= vdm_bag_mark(rest);
    if (vdm_cut(&rest, '/', &part))
        see_below(k, (struct vdm_bytes){name.p, (size_t)(rest.p - name.p)}, rest);
    else
        k->beside = true;
    return true;
}

/* --- is it all there? --- */

/* The end of a zip's directory, which a comment may follow. */
struct directory {
    uint64_t entries; /* UINT64_MAX: that is told elsewhere (zip64) */
    uint64_t before;  /* bytes that are more than it speaks of */
    uint64_t end;     /* where the comment does */
};

static uint64_t little_endian(const uint8_t *p, unsigned n)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < n; i++)
        value |= (uint64_t)p[i] << 8 * i;
    return value;
}

enum { END = 22, COMMENT = 65535, LOCATOR = 20 };

/* Its record begins `i` bytes behind `from`. What a zip64 has before that is found by libarchive where it is said to
 * be, or else that is no zip for us: nothing can stand before it. */
static void read_directory(struct directory *d, struct vdm_bytes tail, size_t i, uint64_t from)
{
    const uint8_t *p = tail.p + i;
    uint64_t at = from + i, n = little_endian(p + 10, 2);
    uint64_t stated = little_endian(p + 12, 4) + little_endian(p + 16, 4);
    bool zip64 = i >= LOCATOR && memcmp(p - LOCATOR, "PK\6\7", 4) == 0;
    d->entries = n == 0xFFFF ? UINT64_MAX : n;
    d->before = !zip64 && at > stated ? at - stated : 0;
    d->end = at + END + little_endian(p + 20, 2);
}

static bool find_directory(struct vdm_span *s, struct directory *d)
{
    enum { LOOK = LOCATOR + END + COMMENT };
    uint64_t size = s->end - s->start, from = s->end - (size < LOOK ? size : LOOK);
    vdm_span_seek(s, from);
    struct vdm_bytes tail = vdm_span_look(s, (size_t)(s->end - from));
    for (size_t i = tail.n < END ? 0 : tail.n - END + 1; i-- > 0;)
        if (memcmp(tail.p + i, "PK\5\6", 4) == 0) {
            read_directory(d, tail, i, from - s->start);
            return true;
        }
    return false;
}

/* libarchive passes over an entry that lies where another does, reads a zip without its directory from front to back,
 * and does not look at what stands before or behind. */
static void check_zip(const struct vdm_pack *p)
{
    char text[120];
    struct directory d;
    if (!find_directory(p->s, &d)) {
        vdm_members_problem(p->to, p->s->end,
                            "the directory at its end is missing: it may be cut off here");
        return;
    }
    if (d.entries != UINT64_MAX && d.entries != p->entries) {
        snprintf(text, sizeof text, "its directory names %llu entries, and %llu were found",
                 (unsigned long long)d.entries, (unsigned long long)p->entries);
        vdm_members_problem(p->to, p->s->end, text);
    }
    if (d.before) {
        snprintf(text, sizeof text, "%llu bytes are more than its directory speaks of: not read",
                 (unsigned long long)d.before);
        vdm_members_problem(p->to, p->s->start, text);
    }
    if (p->s->start + d.end < p->s->end)
        vdm_members_problem(p->to, p->s->start + d.end,
                            "what follows is behind the end of the zip: not read");
}

/* libarchive ends without a word where a plain tar is cut off between two members, and where a layer ends. */
static void check_tar(const struct vdm_pack *p)
{
    struct vdm_span *s = p->s;
    vdm_span_seek(s, s->start);
    if (!is_tar_sum(vdm_span_look(s, 512))) {
        if (!vdm_span_zeros(s, p->end))
            vdm_members_problem(p->to, p->end,
                                "what follows is behind the end of the tar: not read");
    } else if (s->end - s->start < 1024 || !vdm_span_zeros(s, s->end - 1024)) {
        vdm_members_problem(p->to, s->end, "it does not end as a tar does: it may be cut off here");
    }
}

void vdm_pack_check_end(const struct vdm_pack *p)
{
    if (p->kind == VDM_PACKED_TAR)
        check_tar(p);
    else
        check_zip(p);
}

/* --- all of it --- */

static void run(struct vdm_span *s, struct vdm_members *to, enum vdm_packed_kind kind)
{
    struct vdm_pack p = {s, to, kind, vdm_unpack_max(s->end - s->start), .quiet = true};
    struct sort k = {0};
    bool whole, taken;
    vdm_pack_each(&p, see_name, &k, &whole);
    const struct vdm_pack first = p; /* how far that came */
    p.quiet = false;
    bool is_root = vdm_bag_is_marked(k.root_marks), is_bag = is_root || k.bag_in_top;
    bool is_top = k.bag_in_top && k.tops == 1 && !k.beside;
    if (is_bag && !whole)
        vdm_members_problem(to, VDM_OFFSET_NONE,
                            "the bag in it cannot be read to its end: nothing was taken");
    else if (is_bag && (is_top || is_root))
        vdm_pack_run_bag(&p, is_top ? vdm_buf_bytes(&k.top) : VDM_LIT(""));
    else if (is_bag)
        vdm_members_problem(
            to, VDM_OFFSET_REFUSED,
            "a bag must be the only thing in its container, and something stands beside it: "
            "nothing was taken");
    else
        vdm_pack_each(&p, take_plain, &p, &taken);
    if (whole)
        vdm_pack_check_end(&first);
    if (kind == VDM_PACKED_ZIP && k.warc && k.lists && !k.package)
        vdm_members_problem(to, VDM_OFFSET_NONE,
                            "it looks like a WACZ, but has no datapackage.json: taken as a zip");
    vdm_buf_release(&k.top);
}

static void run_tar(struct vdm_span *s, struct vdm_members *to)
{
    if (vdm_packed_layer(s, vdm_unpack_max(s->end - s->start)) == VDM_LAYER_DAMAGED)
        vdm_members_problem(to, VDM_OFFSET_REFUSED,
                            "its compression is damaged, and any file in it may be: nothing was "
                            "taken (`--as-file` keeps it as it is)");
    else
        run(s, to, VDM_PACKED_TAR);
}

static void run_zip(struct vdm_span *s, struct vdm_members *to)
{
    run(s, to, VDM_PACKED_ZIP);
}

const struct vdm_container_format vdm_tar_format = {"tar", false, tar_may_be, tar_is, run_tar};
const struct vdm_container_format vdm_zip_format = {"zip", false, zip_may_be, zip_is, run_zip};
