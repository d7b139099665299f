/* SPDX-License-Identifier: MIT */
#include "bundle/layout.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_DIGITS_LEAST 6

enum shape {
    FIXED,    /* nothing between prefix and suffix */
    NUMBER,   /* <n> */
    KEY,      /* <64 hex> */
    FILE_,    /* <n>.<ext> */
    EVIDENCE, /* <size>/<name> */
};

static const struct {
    enum shape shape;
    const char *prefix, *suffix;
} forms[] = {
    [VDM_LAYOUT_BAGIT] = {FIXED, "bagit.txt", ""},
    [VDM_LAYOUT_BAG_INFO] = {FIXED, "bag-info.txt", ""},
    [VDM_LAYOUT_MANIFEST] = {FIXED, "manifest-sha256.txt", ""},
    [VDM_LAYOUT_TAGMANIFEST] = {FIXED, "tagmanifest-sha256.txt", ""},
    [VDM_LAYOUT_SEAL] = {FIXED, "vidimus/seal", ""},
    [VDM_LAYOUT_CHECKPOINT] = {FIXED, "vidimus/checkpoint", ""},
    [VDM_LAYOUT_SELECTION] = {FIXED, "vidimus/selection", ""},
    [VDM_LAYOUT_VERIFY] = {FIXED, "vidimus/VERIFY.txt", ""},
    [VDM_LAYOUT_KEY] = {KEY, "vidimus/keys/", ".pem"},
    [VDM_LAYOUT_INDEX] = {FIXED, "data/INDEX.txt", ""},
    [VDM_LAYOUT_ENTRY] = {NUMBER, "vidimus/entries/", ""},
    [VDM_LAYOUT_PROOF] = {NUMBER, "vidimus/proofs/", ".tlog-proof"},
    [VDM_LAYOUT_RECORD] = {NUMBER, "vidimus/records/", ""},
    [VDM_LAYOUT_FILE] = {FILE_, "data/files/", ""},
    [VDM_LAYOUT_EVIDENCE] = {EVIDENCE, "vidimus/evidence/", ""},
};
#define FORMS (sizeof forms / sizeof *forms)

static bool is_ext_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool ext_valid(struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_ext_byte(s.p[i]))
            return false;
    return s.n >= 1 && s.n <= VDM_LAYOUT_EXT_MAX;
}

static bool evidence_name_valid(struct vdm_bytes s)
{
    if (s.n < 1 || s.n > VDM_LAYOUT_EVIDENCE_NAME_MAX || !is_ext_byte(s.p[0]))
        return false;
    for (size_t i = 1; i < s.n; i++)
        if (!is_ext_byte(s.p[i]) && s.p[i] != '.' && s.p[i] != '-')
            return false;
    return true;
}

/* Six digits, or more without a leading zero. */
static bool number_decode(struct vdm_bytes s, uint64_t *out)
{
    if (s.n < NUMBER_DIGITS_LEAST || (s.n > NUMBER_DIGITS_LEAST && s.p[0] == '0'))
        return false;
    while (s.n > 1 && s.p[0] == '0')
        s = vdm_bytes_skip(s, 1);
    return vdm_number_decode(s, out);
}

static void copy(char *out, struct vdm_bytes s)
{
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
}

static bool middle_decode(enum shape shape, struct vdm_bytes s, struct vdm_layout_member *m)
{
    struct vdm_bytes number;
    switch (shape) {
    case FIXED:
        return s.n == 0;
    case NUMBER:
        return number_decode(s, &m->n);
    case KEY:
        return vdm_hex_decode(s, m->key.b, sizeof m->key.b);
    case FILE_:
        if (!vdm_cut(&s, '.', &number) || !number_decode(number, &m->n) || !ext_valid(s))
            return false;
        copy(m->ext, s);
        return true;
    case EVIDENCE:
        if (!vdm_cut(&s, '/', &number) || !vdm_number_decode(number, &m->n) || m->n == 0 ||
            !evidence_name_valid(s))
            return false;
        copy(m->name, s);
        return true;
    }
    return false;
}

static bool form_decode(size_t i, struct vdm_bytes path, struct vdm_layout_member *out)
{
    size_t before = strlen(forms[i].prefix), after = strlen(forms[i].suffix);
    if (path.n < before + after || !vdm_bytes_start_with(path, vdm_str(forms[i].prefix)) ||
        !vdm_bytes_equal_str(vdm_bytes_skip(path, path.n - after), forms[i].suffix))
        return false;
    struct vdm_layout_member m = {.kind = (enum vdm_layout_kind)i};
    struct vdm_bytes middle = {path.p + before, path.n - before - after};
    if (!middle_decode(forms[i].shape, middle, &m))
        return false;
    *out = m;
    return true;
}

bool vdm_layout_decode(struct vdm_bytes path, struct vdm_layout_member *out)
{
    for (size_t i = 0; i < FORMS; i++)
        if (form_decode(i, path, out))
            return true;
    return false;
}

/* Of a field; without a NUL it is a byte longer than any valid one. */
static struct vdm_bytes text_of(const char *field, size_t cap)
{
    return (struct vdm_bytes){(const uint8_t *)field, strnlen(field, cap)};
}

static bool fields_valid(const struct vdm_layout_member *m)
{
    switch (forms[m->kind].shape) {
    case FIXED:
    case KEY:
        return true;
    case NUMBER:
        return m->n <= VDM_NUMBER_MAX;
    case FILE_:
        return m->n <= VDM_NUMBER_MAX && ext_valid(text_of(m->ext, sizeof m->ext));
    case EVIDENCE:
        return m->n > 0 && m->n <= VDM_NUMBER_MAX &&
               evidence_name_valid(text_of(m->name, sizeof m->name));
    }
    return false;
}

static void middle_encode(const struct vdm_layout_member *m, char *out, size_t cap)
{
    out[0] = 0;
    switch (forms[m->kind].shape) {
    case FIXED:
        break;
    case NUMBER:
        snprintf(out, cap, "%06" PRIu64, m->n);
        break;
    case KEY:
        vdm_hex_encode(m->key.b, sizeof m->key.b, out);
        break;
    case FILE_:
        snprintf(out, cap, "%06" PRIu64 ".%s", m->n, m->ext);
        break;
    case EVIDENCE:
        snprintf(out, cap, "%" PRIu64 "/%s", m->n, m->name);
        break;
    }
}

bool vdm_layout_encode(const struct vdm_layout_member *m, char *out, struct vdm_err *err)
{
    if ((size_t)m->kind >= FORMS || !fields_valid(m))
        return vdm_fail_as(err, VDM_ERR_REFUSED, "no name for this member of a bundle");
    /* With valid fields all of it has room. */
    char *middle = stpcpy(out, forms[m->kind].prefix);
    middle_encode(m, middle, (size_t)(out + VDM_LAYOUT_PATH_MAX + 1 - middle));
    strcat(middle, forms[m->kind].suffix);
    return true;
}

bool vdm_layout_in_manifest(enum vdm_layout_kind kind)
{
    return kind == VDM_LAYOUT_INDEX || kind == VDM_LAYOUT_FILE;
}

bool vdm_layout_in_tagmanifest(enum vdm_layout_kind kind)
{
    return !vdm_layout_in_manifest(kind) && kind != VDM_LAYOUT_TAGMANIFEST &&
           kind != VDM_LAYOUT_SEAL && kind != VDM_LAYOUT_EVIDENCE;
}

void vdm_layout_ext(struct vdm_bytes name, char *out)
{
    char ext[VDM_LAYOUT_EXT_MAX + 1] = "bin";
    size_t dot = name.n;
    while (dot > 0 && name.p[dot - 1] != '.')
        dot--;
    /* `dot` is now just behind the last dot; 0: none, 1: at the very front. */
    size_t n = name.n - dot;
    if (dot > 1 && n <= VDM_LAYOUT_EXT_MAX) {
        char lower[VDM_LAYOUT_EXT_MAX + 1] = {0};
        for (size_t i = 0; i < n; i++) {
            uint8_t c = name.p[dot + i];
            lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        }
        if (ext_valid((struct vdm_bytes){(const uint8_t *)lower, n}))
            memcpy(ext, lower, sizeof ext);
    }
    memcpy(out, ext, sizeof ext);
}
