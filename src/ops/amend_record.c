/* SPDX-License-Identifier: MIT */
#include "ops/amend_record.h"

#include "base/text.h"
#include "format/value.h"

/* What a line says something of: a field; of `header` and `field`, one name. */
struct subject {
    enum vdm_field field;
    struct vdm_bytes name;
};

static struct subject subject_of(enum vdm_field f, struct vdm_bytes value)
{
    struct subject s = {f, {NULL, 0}};
    struct vdm_bytes rest = value, name = value;
    enum vdm_field about;
    if (f == VDM_FIELD_INFERRED)
        vdm_cut(&rest, ' ', &name);
    if ((f == VDM_FIELD_UNKNOWN || f == VDM_FIELD_INFERRED) && vdm_field_from_name(name, &about))
        s.field = about;
    if ((f == VDM_FIELD_HEADER || f == VDM_FIELD_FIELD) && vdm_cut(&rest, ':', &name))
        s.name = name;
    return s;
}

/* `unknown field` is about all of them, `field shelf: 3` about one. */
static bool touches(struct subject a, struct subject b)
{
    return a.field == b.field && (!a.name.p || !b.name.p || vdm_bytes_equal(a.name, b.name));
}

static bool is_among(uint64_t fields, enum vdm_field f)
{
    return fields >> f & 1;
}

static bool is_replaced(const struct vdm_import_lines *given, uint64_t cleared, enum vdm_field f,
                        struct vdm_bytes value)
{
    struct subject s = subject_of(f, value);
    bool replaced = is_among(cleared, f) || is_among(cleared, s.field);
    for (size_t i = 0; !replaced && i < given->n; i++)
        replaced = touches(s, subject_of(given->line[i].field, given->line[i].value));
    return replaced;
}

static bool check_cleared(const struct vdm_import_lines *given, uint64_t cleared,
                          struct vdm_err *err)
{
    if (is_among(cleared, VDM_FIELD_DOCUMENT) || is_among(cleared, VDM_FIELD_FOLLOWS))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "%s is the archive's to say: it stays",
                           vdm_field_name(is_among(cleared, VDM_FIELD_DOCUMENT)
                                              ? VDM_FIELD_DOCUMENT
                                              : VDM_FIELD_FOLLOWS));
    for (size_t i = 0; i < given->n; i++) {
        enum vdm_field f = given->line[i].field;
        enum vdm_field about = subject_of(f, given->line[i].value).field;
        if (is_among(cleared, f) || is_among(cleared, about))
            return vdm_fail_as(err, VDM_ERR_REFUSED, "%s is both given and cleared",
                               vdm_field_name(is_among(cleared, f) ? f : about));
    }
    return true;
}

static bool carry_over(struct vdm_import_lines *l, const struct vdm_record *before,
                       const struct vdm_import_lines *given, uint64_t cleared, struct vdm_err *err)
{
    struct vdm_buf plain VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = before->body;
    struct vdm_record_line old;
    while (vdm_record_next(&rest, &old)) {
        if (old.field == VDM_FIELD_DOCUMENT)
            continue;
        vdm_buf_clear(&plain);
        vdm_value_decode(old.value, &plain);
        if (!vdm_buf_ok(&plain, err))
            return false;
        struct vdm_bytes value = vdm_buf_bytes(&plain);
        if (!is_replaced(given, cleared, old.field, value) &&
            !vdm_import_add(l, old.field, value, err))
            return false;
    }
    return true;
}

bool vdm_amend_lines(struct vdm_import_lines *out, const struct vdm_record *before,
                     const struct vdm_import_lines *given, uint64_t cleared, struct vdm_err *err)
{
    struct vdm_import_lines l VDM_CLEANUP(vdm_import_lines_release) = {0};
    if (!check_cleared(given, cleared, err) || !carry_over(&l, before, given, cleared, err))
        return false;
    for (size_t i = 0; i < given->n; i++)
        if (!vdm_import_add(&l, given->line[i].field, given->line[i].value, err))
            return false;
    *out = l;
    l = (struct vdm_import_lines){0};
    return true;
}
