/* SPDX-License-Identifier: MIT */
#include "capture/bag_private.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool vdm_bag_open(struct vdm_bag **out, struct vdm_err *err)
{
    *out = calloc(1, sizeof **out);
    return *out || vdm_fail_memory(err);
}

void vdm_bag_strings_release(struct vdm_bag_strings *s)
{
    vdm_buf_release(&s->text);
    free(s->at);
}

void vdm_bag_close(struct vdm_bag *b)
{
    for (size_t i = 0; b && i < b->files; i++)
        free((void *)(uintptr_t)b->file[i].text.p); /* ours: copied by fill */
    if (!b)
        return;
    vdm_bag_strings_release(&b->findings);
    vdm_bag_strings_release(&b->notices);
    vdm_bag_strings_release(&b->info);
    vdm_buf_release(&b->names);
    vdm_buf_release(&b->decoded);
    free(b->file);
    free(b->sums);
    free(b);
}

void vdm_bag_cleanup(struct vdm_bag **b)
{
    vdm_bag_close(*b);
    *b = NULL;
}

/* --- what is found --- */

/* Without memory the text fails, which vdm_bag_judge sees. */
void vdm_bag_string(struct vdm_bag_strings *s, struct vdm_bytes text)
{
    if (++s->counted > VDM_FINDINGS_MAX)
        return;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        size_t *grown = reallocarray(s->at, cap, sizeof *grown);
        if (!grown) {
            s->text.failed = true;
            return;
        }
        s->at = grown;
        s->cap = cap;
    }
    s->at[s->n++] = s->text.n;
    vdm_buf_put(&s->text, text);
    vdm_buf_putc(&s->text, 0);
}

/* What was said last is not said again: many lines of a file may be odd in one way. */
__attribute__((format(printf, 2, 0))) static void put_formatted(struct vdm_bag_strings *s,
                                                                const char *format,
                                                                va_list arguments)
{
    char text[1024] = "";
    vsnprintf(text, sizeof text, format, arguments);
    if (s->n && !s->text.failed && strcmp(text, (const char *)s->text.p + s->at[s->n - 1]) == 0)
        return;
    vdm_bag_string(s, vdm_str(text));
}

void vdm_bag_fault(struct vdm_bag *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted(&b->findings, format, arguments);
    va_end(arguments);
}

void vdm_bag_tell(struct vdm_bag *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    put_formatted(&b->notices, format, arguments);
    va_end(arguments);
}

size_t vdm_bag_findings(const struct vdm_bag *b)
{
    return b->findings.counted;
}

size_t vdm_bag_notices(const struct vdm_bag *b)
{
    return b->notices.counted;
}

static const char *string_at(const struct vdm_bag_strings *s, size_t i)
{
    return i < s->n ? (const char *)s->text.p + s->at[i] : "";
}

const char *vdm_bag_finding(const struct vdm_bag *b, size_t i)
{
    return string_at(&b->findings, i);
}

const char *vdm_bag_notice(const struct vdm_bag *b, size_t i)
{
    return string_at(&b->notices, i);
}

size_t vdm_bag_elements(const struct vdm_bag *b)
{
    return b->info.n / 2;
}

struct vdm_bag_element vdm_bag_element(const struct vdm_bag *b, size_t i)
{
    return (struct vdm_bag_element){vdm_str(string_at(&b->info, 2 * i)),
                                    vdm_str(string_at(&b->info, 2 * i + 1))};
}

void vdm_bag_describe(const struct vdm_bag *b, struct vdm_buf *out)
{
    vdm_buf_putf(out, "BagIt %u.%u,", b->major, b->minor);
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        if (b->checked >> k & 1)
            vdm_buf_putf(out, " %s", vdm_sum_name((enum vdm_sum_kind)k));
}

/* --- the list --- */

bool vdm_bag_is_strict(const struct vdm_bag *b)
{
    return b->major >= 1;
}

bool vdm_bag_is_payload(struct vdm_bytes name)
{
    return vdm_bytes_start_with(name, VDM_LIT("data/")) && name.n > 5;
}

void vdm_bag_has_data(struct vdm_bag *b)
{
    b->has_data = true;
}

bool vdm_bag_add(struct vdm_bag *b, struct vdm_bytes name, uint64_t size, struct vdm_err *err)
{
    if (b->files == VDM_BAG_FILES_MAX)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the bag has more than %u files",
                           VDM_BAG_FILES_MAX);
    if (b->files == b->cap) {
        size_t cap = b->cap ? 2 * b->cap : 64;
        struct vdm_bag_file *grown = reallocarray(b->file, cap, sizeof *grown);
        if (!grown)
            return vdm_fail_memory(err);
        b->file = grown;
        b->cap = cap;
    }
    b->file[b->files++] =
        (struct vdm_bag_file){.at = b->names.n, .name = {NULL, name.n}, .size = size};
    vdm_buf_put(&b->names, name);
    b->has_data = b->has_data || vdm_bag_is_payload(name);
    return vdm_buf_ok(&b->names, err);
}

static int by_name(const void *a, const void *b)
{
    return vdm_bytes_compare(((const struct vdm_bag_file *)a)->name,
                             ((const struct vdm_bag_file *)b)->name);
}

struct vdm_bag_file *vdm_bag_find(const struct vdm_bag *b, struct vdm_bytes name)
{
    const struct vdm_bag_file key = {.name = name};
    return b->files ? bsearch(&key, b->file, b->files, sizeof *b->file, by_name) : NULL;
}

static void count_manifests(struct vdm_bag *b)
{
    bool of_tags, known;
    enum vdm_sum_kind kind;
    for (size_t i = 0; i < b->files; i++)
        if (vdm_bag_is_manifest(b->file[i].name, &of_tags, &known, &kind) && known)
            b->kinds |= 1u << kind;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++)
        b->sums_each += b->kinds >> k & 1 ? vdm_sum_bytes((enum vdm_sum_kind)k) : 0;
}

void vdm_bag_need(struct vdm_bag *b, enum vdm_sum_kind kind)
{
    b->kinds |= 1u << kind;
}

void vdm_bag_listed(struct vdm_bag *b)
{
    for (size_t i = 0; i < b->files; i++)
        b->file[i].name.p = b->names.p + b->file[i].at;
    if (b->files)
        qsort(b->file, b->files, sizeof *b->file, by_name);
    for (size_t i = 0; i < b->files; i++) {
        struct vdm_bytes name = b->file[i].name;
        if (i && vdm_bytes_equal(name, b->file[i - 1].name))
            vdm_bag_fault(b, "%.*s is there twice", (int)name.n, name.p);
        if (!vdm_bag_path_is_safe(name))
            vdm_bag_fault(b, "%.*s is no name of a file in a bag", (int)name.n, name.p);
    }
    count_manifests(b);
}

enum { DECLARED = 1, MANIFEST = 2, PAYLOAD = 4 };

unsigned vdm_bag_mark(struct vdm_bytes name)
{
    bool of_tags, known;
    enum vdm_sum_kind kind;
    if (vdm_bytes_equal(name, VDM_LIT("bagit.txt")))
        return DECLARED;
    if (vdm_bytes_start_with(name, VDM_LIT("data/")))
        return PAYLOAD;
    return vdm_bag_is_manifest(name, &of_tags, &known, &kind) && known && !of_tags ? MANIFEST : 0;
}

bool vdm_bag_is_marked(unsigned marks)
{
    return (marks & DECLARED) || ((marks & MANIFEST) && (marks & PAYLOAD));
}

unsigned vdm_bag_sums(const struct vdm_bag *b)
{
    return b->kinds;
}

bool vdm_bag_wants_text(const struct vdm_bag *b, struct vdm_bytes name)
{
    bool of_tags, known;
    enum vdm_sum_kind kind;
    (void)b;
    return vdm_bytes_equal(name, VDM_LIT("bagit.txt")) ||
           vdm_bytes_equal(name, VDM_LIT("bag-info.txt")) ||
           vdm_bytes_equal(name, VDM_LIT("fetch.txt")) ||
           vdm_bag_is_manifest(name, &of_tags, &known, &kind);
}

static bool keep_text(struct vdm_bag *b, struct vdm_bag_file *f, struct vdm_bytes text,
                      struct vdm_err *err)
{
    if (!vdm_bag_wants_text(b, f->name) || f->text.p)
        return true;
    if (text.n > VDM_BAG_TEXT_MAX - b->text_bytes)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "the tag files of the bag have more than %u MiB",
                           VDM_BAG_TEXT_MAX >> 20);
    char *copy = vdm_bytes_dup(text);
    if (!copy)
        return vdm_fail_memory(err);
    f->text = (struct vdm_bytes){(uint8_t *)copy, text.n};
    b->text_bytes += text.n;
    return true;
}

bool vdm_bag_fill(struct vdm_bag *b, struct vdm_bytes name,
                  const uint8_t sums[VDM_SUM_KINDS][VDM_SUM_BYTES_MAX], struct vdm_bytes text,
                  struct vdm_err *err)
{
    struct vdm_bag_file *f = vdm_bag_find(b, name);
    if (!f)
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%.*s: it came while the bag was read",
                           (int)name.n, name.p);
    if (!b->sums && !(b->sums = calloc(b->files, b->sums_each ? b->sums_each : 1)))
        return vdm_fail_memory(err);
    uint8_t *p = b->sums + (size_t)(f - b->file) * b->sums_each;
    f->sums = p;
    for (unsigned k = 0; k < VDM_SUM_KINDS; k++) {
        size_t n = b->kinds >> k & 1 ? vdm_sum_bytes((enum vdm_sum_kind)k) : 0;
        memcpy(p, sums[k], n);
        p += n;
    }
    return keep_text(b, f, text, err);
}

const uint8_t *vdm_bag_sum(const struct vdm_bag *b, struct vdm_bytes name, enum vdm_sum_kind kind)
{
    const struct vdm_bag_file *f = vdm_bag_find(b, name);
    const uint8_t *p = f && b->kinds >> kind & 1 ? f->sums : NULL;
    for (unsigned k = 0; p && k < (unsigned)kind; k++)
        p += b->kinds >> k & 1 ? vdm_sum_bytes((enum vdm_sum_kind)k) : 0;
    return p;
}

/* --- the verdict --- */

bool vdm_bag_decode(struct vdm_bag *b, const struct vdm_bag_file *f, struct vdm_bytes *text)
{
    bool had_mark;
    vdm_buf_clear(&b->decoded);
    if (!vdm_bag_text_decode(f->text, b->encoding, &b->decoded, &had_mark)) {
        vdm_bag_fault(b, "%.*s is not in the encoding that bagit.txt declares", (int)f->name.n,
                      f->name.p);
        return false;
    }
    if (had_mark && b->encoding == VDM_BAG_UTF8 && vdm_bag_is_strict(b))
        vdm_bag_fault(b, "%.*s begins with a byte order mark", (int)f->name.n, f->name.p);
    else if (had_mark && b->encoding == VDM_BAG_UTF8)
        vdm_bag_tell(b, "%.*s begins with a byte order mark", (int)f->name.n, f->name.p);
    *text = vdm_buf_bytes(&b->decoded);
    return true;
}

static void check_all_filled(struct vdm_bag *b)
{
    for (size_t i = 0; i < b->files; i++)
        if (!b->file[i].sums)
            vdm_bag_fault(b, "%.*s could not be read", (int)b->file[i].name.n, b->file[i].name.p);
}

bool vdm_bag_judge(struct vdm_bag *b, struct vdm_err *err)
{
    if (!b->has_data)
        vdm_bag_fault(b, "the folder data/ is missing");
    if (vdm_bag_find(b, VDM_LIT("vidimus/checkpoint")))
        vdm_bag_fault(b, "it is a bundle of vidimus that was unpacked: the bundle itself is "
                         "verified, and taken");
    check_all_filled(b);
    if (vdm_bag_read_declaration(b)) {
        vdm_bag_read_manifests(b);
        vdm_bag_read_info(b);
        vdm_bag_read_fetch(b);
    }
    return vdm_buf_ok(&b->decoded, err) && vdm_buf_ok(&b->findings.text, err) &&
           vdm_buf_ok(&b->notices.text, err) && vdm_buf_ok(&b->info.text, err);
}
