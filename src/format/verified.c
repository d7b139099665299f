/* SPDX-License-Identifier: MIT */
#include "format/verified.h"

#include "format/value.h"

#include <string.h>

bool vdm_verified_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_verified *out,
                         struct vdm_err *err)
{
    struct vdm_bytes rest = text, ledger, authority;
    struct vdm_verified v = {0};
    if (!vdm_take_literal(&rest, "vidimus/verified/v1\n") ||
        !vdm_take_field(&rest, "ledger", &ledger) || !vdm_origin_valid(ledger) ||
        !vdm_take_field(&rest, "authority", &authority) ||
        !vdm_vkey_decode(c, authority, &v.authority, NULL) || !vdm_vkey_is_ours(&v.authority) ||
        !vdm_take_tree(&rest, "checkpoint", &v.size, &v.root) || v.size == 0 ||
        !vdm_take_time(&rest, "verified", &v.time) || rest.n != 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a note of what was verified");
    memcpy(v.ledger, ledger.p, ledger.n);
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_verified_append(&again, &v);
    if (!vdm_same_bytes(&again, text, "the note of what was verified", err))
        return false;
    *out = v;
    return true;
}

void vdm_verified_append(struct vdm_buf *out, const struct vdm_verified *v)
{
    struct vdm_buf key VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_vkey_append(&key, &v->authority);
    vdm_buf_puts(out, "vidimus/verified/v1\n");
    vdm_put_field(out, "ledger", vdm_str(v->ledger));
    vdm_put_field(out, "authority", vdm_buf_bytes(&key));
    vdm_put_tree(out, "checkpoint", v->size, v->root);
    vdm_put_time(out, "verified", v->time);
    out->failed = out->failed || key.failed;
}
