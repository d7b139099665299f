/* SPDX-License-Identifier: MIT */
#include "format/note.h"

#include "base/text.h"
#include "format/value.h"

#include <assert.h>
#include <string.h>

#define EM_DASH "\xE2\x80\x94"

static bool clean_text(struct vdm_bytes s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 && s.p[i] != '\n')
            return false;
    return vdm_utf8_valid(s);
}

/* The text ends before the last blank line. */
static bool split(struct vdm_bytes whole, struct vdm_bytes *text, struct vdm_bytes *lines)
{
    for (size_t i = whole.n; i >= 2; i--)
        if (whole.p[i - 1] == '\n' && whole.p[i - 2] == '\n') {
            *text = (struct vdm_bytes){whole.p, i - 1};
            *lines = vdm_bytes_skip(whole, i);
            return true;
        }
    return false;
}

/* The first four bytes are the key id; at least one of a signature follows. */
static bool decode_id(struct vdm_bytes base64, uint32_t *id)
{
    uint8_t b[6];
    size_t n = 0;
    struct vdm_bytes front = {base64.p, base64.n < 8 ? base64.n : 8};
    if (!vdm_base64_decode(front, b, sizeof b, &n) || n < 5 || !vdm_base64_valid(base64))
        return false;
    *id = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

static bool decode_signature(struct vdm_bytes line, struct vdm_note_signature *out)
{
    struct vdm_bytes name;
    if (!vdm_take_literal(&line, EM_DASH " ") || !vdm_cut(&line, ' ', &name) ||
        !vdm_note_name_valid(name) || !decode_id(line, &out->id))
        return false;
    out->name = name;
    out->base64 = line;
    return true;
}

void vdm_note_copy(struct vdm_note *to, const struct vdm_note *from)
{
    to->text = from->text;
    to->signatures = from->signatures;
    memcpy(to->signature, from->signature, from->signatures * sizeof from->signature[0]);
}

bool vdm_note_decode(struct vdm_bytes whole, struct vdm_note *out, struct vdm_err *err)
{
    struct vdm_bytes lines, line;
    struct vdm_note n;
    if (whole.n > VDM_NOTE_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a note of more than %d bytes", VDM_NOTE_MAX);
    if (!clean_text(whole))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a note holds a control character or no UTF-8");
    if (!split(whole, &n.text, &lines) || lines.n == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a note without text, blank line and signature");
    n.signatures = 0;
    while (lines.n) {
        if (n.signatures == VDM_SIGNATURES_MAX)
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "a note with more than %d signatures",
                               VDM_SIGNATURES_MAX);
        if (!vdm_cut_line(&lines, &line) || !decode_signature(line, &n.signature[n.signatures]))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed signature line in a note");
        n.signatures++;
    }
    vdm_note_copy(out, &n);
    return true;
}

bool vdm_note_signature_ed25519(const struct vdm_note_signature *line, struct vdm_sig *out)
{
    uint8_t blob[4 + sizeof out->b];
    size_t n = 0;
    if (!vdm_base64_decode(line->base64, blob, sizeof blob, &n) || n != sizeof blob)
        return false;
    memcpy(out->b, blob + 4, sizeof out->b);
    return true;
}

void vdm_cosigned_message_append(struct vdm_buf *out, uint64_t posix_seconds, struct vdm_bytes text)
{
    vdm_buf_putf(out, "cosignature/v1\ntime %llu\n", (unsigned long long)posix_seconds);
    vdm_buf_put(out, text);
}

static bool cosignature_good(const struct vdm_note *note, struct vdm_crypto *c,
                             const struct vdm_vkey *key, const struct vdm_note_signature *line,
                             uint64_t *cosigned_at)
{
    uint8_t blob[4 + 8 + 64];
    size_t n = 0;
    if (!vdm_base64_decode(line->base64, blob, sizeof blob, &n) || n != sizeof blob)
        return false;
    uint64_t seconds = 0;
    for (size_t i = 4; i < 12; i++)
        seconds = seconds << 8 | blob[i];
    if (seconds > INT64_MAX)
        return false;
    struct vdm_sig sig;
    memcpy(sig.b, blob + 12, sizeof sig.b);
    /* In a room that holds every note: a check that may lack memory could call a good cosignature
     * bad. */
    uint8_t room[64 + VDM_NOTE_MAX];
    struct vdm_buf message = {.p = room, .cap = sizeof room};
    assert(note->text.n <= VDM_NOTE_MAX);
    vdm_cosigned_message_append(&message, seconds, note->text);
    if (!vdm_signature_valid(c, &key->key, vdm_buf_bytes(&message), &sig))
        return false;
    if (cosigned_at)
        *cosigned_at = seconds;
    return true;
}

enum vdm_note_verdict vdm_note_verify(const struct vdm_note *note, struct vdm_crypto *c,
                                      const struct vdm_vkey *key, uint64_t *cosigned_at)
{
    enum vdm_note_verdict verdict = VDM_NOTE_NOT_BY;
    for (size_t i = 0; i < note->signatures; i++) {
        const struct vdm_note_signature *line = &note->signature[i];
        struct vdm_sig sig;
        if (line->id != key->id || !vdm_bytes_equal_str(line->name, key->name))
            continue;
        bool good = key->type == VDM_KEY_COSIGNATURE
                        ? cosignature_good(note, c, key, line, cosigned_at)
                        : vdm_note_signature_ed25519(line, &sig) &&
                              vdm_signature_valid(c, &key->key, note->text, &sig);
        if (!good)
            return VDM_NOTE_BAD;
        verdict = VDM_NOTE_GOOD;
    }
    return verdict;
}

void vdm_note_put_signature(struct vdm_buf *out, struct vdm_bytes name, uint32_t id,
                            const struct vdm_sig *sig)
{
    uint8_t blob[4 + sizeof sig->b] = {(uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                                       (uint8_t)id};
    memcpy(blob + 4, sig->b, sizeof sig->b);
    vdm_buf_puts(out, EM_DASH " ");
    vdm_buf_put(out, name);
    vdm_buf_putc(out, ' ');
    vdm_base64_append(out, (struct vdm_bytes){blob, sizeof blob});
    vdm_buf_putc(out, '\n');
}
