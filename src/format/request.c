/* SPDX-License-Identifier: MIT */
#include "format/request.h"

#include "base/limits.h"
#include "format/keyring.h"

#include "format/value.h"

void vdm_request_append_effect(struct vdm_buf *effects, struct vdm_bytes text)
{
    vdm_buf_puts(effects, "effect ");
    vdm_value_append(effects, text);
    vdm_buf_putc(effects, '\n');
}

bool vdm_request_next_effect(struct vdm_bytes *effects, struct vdm_bytes *value)
{
    return vdm_take_value(effects, "effect", value);
}

void vdm_request_append(struct vdm_buf *out, const struct vdm_request *r)
{
    vdm_buf_puts(out, "vidimus/request/v1\nauthority ");
    vdm_vkey_append(out, &r->authority);
    vdm_buf_putc(out, '\n');
    vdm_put_tree(out, "checkpoint", r->size, r->root);
    vdm_buf_put(out, r->effects);
    vdm_buf_putc(out, '\n');
    vdm_buf_put(out, r->text);
}

static bool take_authority(struct vdm_crypto *c, struct vdm_bytes *rest, struct vdm_vkey *out)
{
    struct vdm_bytes value;
    return vdm_take_field(rest, "authority", &value) && vdm_vkey_decode(c, value, out, NULL) &&
           vdm_vkey_is_ours(out);
}

/* Is this for this authority to sign, at this place? */
static bool fits(const struct vdm_request *r)
{
    const struct vdm_entry *e = &r->entry;
    return e->n == r->size && e->n > 0 && vdm_role_may_sign(VDM_ROLE_AUTHORITY, e) &&
           e->kind != VDM_ENTRY_UNKNOWN && e->signer_id == r->authority.id &&
           vdm_bytes_equal_str(e->signer, r->authority.name);
}

bool vdm_request_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_request *out,
                        struct vdm_err *err)
{
    struct vdm_bytes rest = text, ignored;
    struct vdm_request r;
    if (text.n > VDM_NOTE_MAX || !vdm_take_literal(&rest, "vidimus/request/v1\n") ||
        !take_authority(c, &rest, &r.authority) ||
        !vdm_take_tree(&rest, "checkpoint", &r.size, &r.root))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a request of this version, or malformed");
    r.effects = rest;
    while (vdm_request_next_effect(&rest, &ignored))
        continue;
    r.effects.n -= rest.n;
    if (!vdm_take_literal(&rest, "\n"))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed request");
    r.text = rest;
    if (!vdm_entry_decode(c, r.text, &r.entry, err))
        return vdm_err_prefix(err, "the entry in the request");
    if (!fits(&r))
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "the entry in the request is not one for this authority to sign here");
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_request_append(&again, &r);
    if (!vdm_same_bytes(&again, text, "the request", err))
        return false;
    *out = r;
    return true;
}
