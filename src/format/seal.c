/* SPDX-License-Identifier: MIT */
#include "format/seal.h"

#include "format/value.h"

bool vdm_seal_decode(struct vdm_bytes text, struct vdm_seal *out, struct vdm_err *err)
{
    struct vdm_bytes rest = text;
    struct vdm_seal s;
    if (!vdm_take_literal(&rest, "vidimus/seal/v1\n") ||
        !vdm_take_field(&rest, "ledger", &s.ledger) || !vdm_origin_valid(s.ledger) ||
        !vdm_take_time(&rest, "created", &s.created) ||
        !vdm_take_tree(&rest, "checkpoint", &s.size, &s.root) ||
        !vdm_take_digest(&rest, "selection", &s.selection) ||
        !vdm_take_digest(&rest, "tagmanifest", &s.tagmanifest) || rest.n != 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed seal");
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_seal_append(&again, &s);
    if (!vdm_same_bytes(&again, text, "the seal", err))
        return false;
    *out = s;
    return true;
}

void vdm_seal_append(struct vdm_buf *out, const struct vdm_seal *s)
{
    vdm_buf_puts(out, "vidimus/seal/v1\n");
    vdm_put_field(out, "ledger", s->ledger);
    vdm_put_time(out, "created", s->created);
    vdm_put_tree(out, "checkpoint", s->size, s->root);
    vdm_put_digest(out, "selection", s->selection);
    vdm_put_digest(out, "tagmanifest", s->tagmanifest);
}

bool vdm_seal_open(struct vdm_bytes whole, struct vdm_note *note, struct vdm_seal *out,
                   struct vdm_err *err)
{
    struct vdm_note n;
    struct vdm_seal s;
    struct vdm_sig sig;
    if (!vdm_note_decode(whole, &n, err) || !vdm_seal_decode(n.text, &s, err))
        return vdm_err_prefix(err, "seal");
    if (n.signatures != 1 || !vdm_name_valid(n.signature[0].name) ||
        !vdm_note_signature_ed25519(&n.signature[0], &sig))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "seal: not exactly one signature of ours");
    vdm_note_copy(note, &n);
    *out = s;
    return true;
}
