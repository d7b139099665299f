/* SPDX-License-Identifier: MIT */
/* Manifests: does each name what is there, with the sum that it has, and is everything named? */
#include "capture/bag_private.h"

#include "base/text.h"

#include <string.h>

struct manifest {
    struct vdm_bytes name; /* of its file */
    bool of_tags, known;
    enum vdm_sum_kind kind;
    uint32_t bit;
};

static bool cut_name(struct vdm_bytes name, struct vdm_bytes start, struct vdm_bytes *algorithm)
{
    struct vdm_bytes end = VDM_LIT(".txt");
    if (!vdm_bytes_start_with(name, start) || name.n <= start.n + end.n ||
        memcmp(name.p + name.n - end.n, end.p, end.n) != 0)
        return false;
    *algorithm = (struct vdm_bytes){name.p + start.n, name.n - start.n - end.n};
    return !memchr(algorithm->p, '/', algorithm->n);
}

bool vdm_bag_is_manifest(struct vdm_bytes name, bool *of_tags, bool *known, enum vdm_sum_kind *kind)
{
    struct vdm_bytes algorithm;
    *of_tags = cut_name(name, VDM_LIT("tagmanifest-"), &algorithm);
    if (!*of_tags && !cut_name(name, VDM_LIT("manifest-"), &algorithm))
        return false;
    *known = vdm_sum_kind_from_name(algorithm, kind);
    return true;
}

/* --- paths --- */

bool vdm_bag_path_is_safe(struct vdm_bytes path)
{
    if (path.n == 0 || memchr(path.p, 0, path.n))
        return false;
    for (bool more = true; more;) {
        struct vdm_bytes part = path;
        more = vdm_cut(&path, '/', &part);
        if (part.n == 0 || vdm_bytes_equal(part, VDM_LIT(".")) ||
            vdm_bytes_equal(part, VDM_LIT("..")))
            return false;
    }
    return true;
}

static bool is_encoded(struct vdm_bytes s, char *is)
{
    static const struct {
        const char *code;
        char is;
    } codes[] = {{"%0A", '\n'}, {"%0a", '\n'}, {"%0D", '\r'}, {"%0d", '\r'}, {"%25", '%'}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (vdm_bytes_start_with(s, vdm_str(codes[i].code))) {
            *is = codes[i].is;
            return true;
        }
    return false;
}

/* Only LF, CR and % are ever encoded. */
static void decode_path(struct vdm_bytes s, struct vdm_buf *out)
{
    char is;
    vdm_buf_clear(out);
    while (s.n) {
        bool encoded = is_encoded(s, &is);
        vdm_buf_putc(out, encoded ? is : (char)s.p[0]);
        s = vdm_bytes_skip(s, encoded ? 3 : 1);
    }
}

/* 0.97 encodes nothing; but there were writers that encoded all the same, so what is not there as it is
 * written is looked for as they meant it. */
bool vdm_bag_path(struct vdm_bag *b, struct vdm_bytes stated, struct vdm_bytes where,
                  struct vdm_buf *out)
{
    struct vdm_bytes path = stated;
    while (vdm_bytes_start_with(path, VDM_LIT("./")))
        path = vdm_bytes_skip(path, 2);
    if (path.n != stated.n)
        vdm_bag_tell(b, "%.*s: paths begin with ./", (int)where.n, where.p);
    decode_path(path, out);
    if (!vdm_bag_is_strict(b) && (vdm_bag_find(b, path) || !vdm_bag_find(b, vdm_buf_bytes(out)))) {
        vdm_buf_clear(out);
        vdm_buf_put(out, path);
    }
    if (vdm_bag_path_is_safe(vdm_buf_bytes(out)))
        return true;
    vdm_bag_fault(b, "%.*s names a path that lies outside of the bag: %.*s", (int)where.n, where.p,
                  (int)stated.n, stated.p);
    return false;
}

/* --- one line --- */

static bool is_hex(struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!memchr("0123456789abcdefABCDEF", s.p[i], 22))
            return false;
    return s.n > 0;
}

static bool hex_is(struct vdm_bytes hex, const uint8_t *sum, size_t n)
{
    char text[2 * VDM_SUM_BYTES_MAX + 1];
    vdm_hex_encode(sum, n, text);
    return hex.n == 2 * n && vdm_bag_same_label(hex, vdm_str(text));
}

static void compare(struct vdm_bag *b, const struct manifest *m, struct vdm_bag_file *f,
                    struct vdm_bytes hex)
{
    if (f->listed & m->bit) {
        if (vdm_bag_is_strict(b))
            vdm_bag_fault(b, "%.*s names %.*s twice", (int)m->name.n, m->name.p, (int)f->name.n,
                          f->name.p);
        else
            vdm_bag_tell(b, "%.*s names %.*s twice", (int)m->name.n, m->name.p, (int)f->name.n,
                         f->name.p);
    }
    f->listed |= m->bit;
    if (!m->known || !f->sums)
        return;
    const uint8_t *sum = vdm_bag_sum(b, f->name, m->kind);
    if (!sum || hex_is(hex, sum, vdm_sum_bytes(m->kind)))
        return;
    char is[2 * VDM_SUM_BYTES_MAX + 1];
    vdm_hex_encode(sum, vdm_sum_bytes(m->kind), is);
    vdm_bag_fault(b, "%.*s has another content: its %s is %s, %.*s says %.*s", (int)f->name.n,
                  f->name.p, vdm_sum_name(m->kind), is, (int)m->name.n, m->name.p,
                  (int)(hex.n < 128 ? hex.n : 128), hex.p);
}

static bool may_list(struct vdm_bag *b, const struct manifest *m, struct vdm_bytes path)
{
    bool of_tags, known;
    enum vdm_sum_kind kind;
    const char *why = NULL;
    if (!m->of_tags && !vdm_bag_is_payload(path))
        why = "which does not lie below data/";
    else if (m->of_tags && vdm_bag_is_payload(path))
        why = "which is no tag file";
    else if (m->of_tags && vdm_bag_is_manifest(path, &of_tags, &known, &kind) && of_tags)
        why = "which is a tag manifest itself";
    if (why)
        vdm_bag_fault(b, "%.*s names %.*s, %s", (int)m->name.n, m->name.p, (int)path.n, path.p,
                      why);
    return !why;
}

/* The sum and the path of a line; md5sum marks binary files by an asterisk. */
static bool cut_manifest_line(struct vdm_bag *b, const struct manifest *m, struct vdm_bytes line,
                              struct vdm_bytes *hex, struct vdm_bytes *path)
{
    size_t n = 0;
    while (n < line.n && !vdm_bag_is_blank(line.p[n]))
        n++;
    *hex = (struct vdm_bytes){line.p, n};
    *path = vdm_bytes_skip(line, n);
    while (path->n && vdm_bag_is_blank(path->p[0]))
        *path = vdm_bytes_skip(*path, 1);
    if (path->n == 0 || !is_hex(*hex)) {
        vdm_bag_fault(b, "%.*s has a line that is none of a manifest: %.*s", (int)m->name.n,
                      m->name.p, (int)(line.n < 200 ? line.n : 200), line.p);
        return false;
    }
    if (path->p[0] == '*' && path->n > 1 && !vdm_bag_find(b, *path)) {
        *path = vdm_bytes_skip(*path, 1);
        vdm_bag_tell(b, "%.*s marks paths with an asterisk, as md5sum does", (int)m->name.n,
                     m->name.p);
    }
    return true;
}

/* Names that differ only in case come from systems to which they were the same. */
static bool is_there_in_other_case(const struct vdm_bag *b, struct vdm_bytes path)
{
    for (size_t i = 0; i < b->files; i++)
        if (vdm_bag_same_label(b->file[i].name, path))
            return true;
    return false;
}

static void take_line(struct vdm_bag *b, const struct manifest *m, struct vdm_bytes line,
                      struct vdm_buf *path)
{
    struct vdm_bytes hex, stated;
    if (!cut_manifest_line(b, m, line, &hex, &stated) || !vdm_bag_path(b, stated, m->name, path))
        return;
    struct vdm_bytes name = vdm_buf_bytes(path);
    if (!may_list(b, m, name))
        return;
    struct vdm_bag_file *f = vdm_bag_find(b, name);
    if (f)
        compare(b, m, f, hex);
    else if (b->findings.counted < 10 && is_there_in_other_case(b, name))
        vdm_bag_fault(b, "%.*s is missing, which %.*s names (there is one in another case)",
                      (int)name.n, name.p, (int)m->name.n, m->name.p);
    else
        vdm_bag_fault(b, "%.*s is missing, which %.*s names", (int)name.n, name.p, (int)m->name.n,
                      m->name.p);
}

/* --- all of them --- */

static void read_manifest(struct vdm_bag *b, const struct vdm_bag_file *f, const struct manifest *m)
{
    struct vdm_buf path VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text, line;
    if (!m->known)
        vdm_bag_tell(b, "%.*s: its algorithm is not known here, its sums are not checked",
                     (int)m->name.n, m->name.p);
    if (!vdm_bag_decode(b, f, &text))
        return;
    while (vdm_bag_line(&text, &line))
        if (line.n)
            take_line(b, m, line, &path);
    b->decoded.failed = b->decoded.failed || path.failed;
}

/* Every file of the payload: in every manifest (1.0), in one at least (0.97), and that of an algorithm that is
 * known, or nothing is known of its content. NULL: it is. */
static const char *what_is_missing(const struct vdm_bag *b, const struct vdm_bag_file *f)
{
    uint32_t all = (UINT32_C(1) << b->payload_manifests) - 1;
    if (f->listed == 0)
        return "in no manifest";
    if (vdm_bag_is_strict(b) && f->listed != all)
        return "not in every manifest";
    if (b->known && !(f->listed & b->known))
        return "in no manifest of an algorithm that is known here";
    return NULL;
}

/* In 1.0 a tag manifest names every manifest. */
static void check_complete(struct vdm_bag *b)
{
    uint32_t tags = (UINT32_C(1) << b->tag_manifests) - 1;
    for (size_t i = 0; i < b->files; i++) {
        const struct vdm_bag_file *f = &b->file[i];
        bool of_tags, known;
        enum vdm_sum_kind kind;
        bool manifest = vdm_bag_is_manifest(f->name, &of_tags, &known, &kind) && !of_tags;
        const char *missing = vdm_bag_is_payload(f->name) ? what_is_missing(b, f) : NULL;
        if (missing)
            vdm_bag_fault(b, "%.*s is there, and %s", (int)f->name.n, f->name.p, missing);
        if (manifest && vdm_bag_is_strict(b) && f->listed != tags)
            vdm_bag_fault(b, "%.*s is not in every tag manifest", (int)f->name.n, f->name.p);
    }
    if (!b->tag_manifests)
        vdm_bag_tell(b, "there is no tag manifest: nothing vouches for the tag files");
}

void vdm_bag_read_manifests(struct vdm_bag *b)
{
    for (size_t i = 0; i < b->files; i++) {
        struct manifest m = {.name = b->file[i].name};
        if (!vdm_bag_is_manifest(m.name, &m.of_tags, &m.known, &m.kind))
            continue;
        unsigned *n = m.of_tags ? &b->tag_manifests : &b->payload_manifests;
        if (*n == VDM_BAG_MANIFESTS_MAX) {
            vdm_bag_fault(b, "there are more than %d manifests of a sort", VDM_BAG_MANIFESTS_MAX);
            return;
        }
        m.bit = UINT32_C(1) << (*n)++;
        if (!m.of_tags && m.known) {
            b->checked |= 1u << m.kind;
            b->known |= m.bit;
        }
        read_manifest(b, &b->file[i], &m);
    }
    if (!b->payload_manifests)
        vdm_bag_fault(b, "there is no manifest");
    else if (!b->checked)
        vdm_bag_fault(b, "there is no manifest of an algorithm that is known here");
    check_complete(b);
}
