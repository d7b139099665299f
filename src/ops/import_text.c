/* SPDX-License-Identifier: MIT */
#include "ops/import_text.h"

#include "format/fingerprint.h"

#include <stdlib.h>

struct vdm_import_text {
    struct vdm_crypto *crypto;
    struct vdm_text *text;
    struct vdm_textless textless;
    enum vdm_text_kind kind; /* of the document that is being read */
    uint64_t read;
    struct vdm_buf document, found;
};

bool vdm_import_text_open(struct vdm_import_text **out, struct vdm_crypto *c, struct vdm_err *err)
{
    struct vdm_import_text *t = calloc(1, sizeof *t);
    if (!t)
        return vdm_fail_memory(err);
    t->crypto = c;
    if (!vdm_text_open(&t->text, err)) {
        free(t);
        return false;
    }
    *out = t;
    return true;
}

void vdm_import_text_close(struct vdm_import_text *t)
{
    if (!t)
        return;
    vdm_text_close(t->text);
    vdm_buf_release(&t->document);
    vdm_buf_release(&t->found);
    free(t);
}

void vdm_import_text_begin(struct vdm_import_text *t, const struct vdm_import_lines *l)
{
    if (!t)
        return;
    t->kind = vdm_text_kind(vdm_import_value(l, VDM_FIELD_MEDIA_TYPE));
    t->read = 0;
    vdm_buf_clear(&t->document);
}

/* Of one that is too large not more is kept than tells that. */
void vdm_import_text_take(struct vdm_import_text *t, struct vdm_bytes piece)
{
    if (!t || t->kind == VDM_TEXT_NONE)
        return;
    t->read += piece.n;
    if (t->read <= VDM_TEXT_DOCUMENT_MAX)
        vdm_buf_put(&t->document, piece);
}

/* A document that is in the one form already was hashed on its way to the store. */
static bool add_line(struct vdm_import_text *t, struct vdm_import_lines *l,
                     struct vdm_digest document, struct vdm_err *err)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes text = vdm_buf_bytes(&t->found);
    bool same = vdm_bytes_equal(text, vdm_buf_bytes(&t->document));
    const struct vdm_fingerprint f = {same ? document : vdm_sha256(t->crypto, text), text.n,
                                      vdm_text_extractor(t->kind)};
    vdm_fingerprint_append(&line, &f);
    if (!vdm_buf_ok(&line, err))
        return false;
    if (!vdm_import_has_room(l, sizeof "field \n" + line.n)) {
        vdm_textless_note(&t->textless, "its record has no room for it");
        return true;
    }
    return vdm_import_add(l, VDM_FIELD_FIELD, vdm_buf_bytes(&line), err);
}

bool vdm_import_text_end(struct vdm_import_text *t, struct vdm_import_lines *l,
                         struct vdm_digest document, struct vdm_err *err)
{
    const char *why;
    if (!t || t->kind == VDM_TEXT_NONE)
        return true;
    if (!vdm_buf_ok(&t->document, err))
        return false;
    if (t->read > VDM_TEXT_DOCUMENT_MAX)
        vdm_textless_note(&t->textless, "it is too large");
    else if (vdm_text_extract(t->text, t->kind, vdm_buf_bytes(&t->document), &t->found, &why))
        return add_line(t, l, document, err);
    else
        vdm_textless_note(&t->textless, why);
    return true;
}

struct vdm_textless vdm_import_textless(const struct vdm_import_text *t)
{
    return t ? t->textless : (struct vdm_textless){0};
}

void vdm_import_text_note(struct vdm_import_text *t, const char *why)
{
    if (t)
        vdm_textless_note(&t->textless, why);
}

struct vdm_textless vdm_import_text_taken(struct vdm_import_text *t)
{
    struct vdm_textless taken = vdm_import_textless(t);
    if (t)
        t->textless = (struct vdm_textless){0};
    return taken;
}

void vdm_import_text_ready(struct vdm_import_text *t)
{
    if (t)
        vdm_text_ready(t->text);
}

uint64_t vdm_import_text_asked(const struct vdm_import_text *t)
{
    return t ? vdm_text_asked(t->text) : 0;
}

bool vdm_import_text_lost(const struct vdm_import_text *t)
{
    return t && vdm_text_lost(t->text);
}

bool vdm_import_text_spent(const struct vdm_import_text *t)
{
    return t && vdm_text_spent(t->text);
}
