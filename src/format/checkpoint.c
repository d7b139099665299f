/* SPDX-License-Identifier: MIT */
#include "format/checkpoint.h"

#include "base/text.h"
#include "format/value.h"

#include <string.h>

static bool root_fits(const struct vdm_checkpoint *c)
{
    static const char empty[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char hex[65];
    vdm_digest_hex(c->root, hex);
    return c->size != 0 || memcmp(hex, empty, sizeof empty) == 0;
}

bool vdm_checkpoint_decode(struct vdm_bytes text, struct vdm_checkpoint *out, struct vdm_err *err)
{
    struct vdm_bytes rest = text, size, root;
    struct vdm_checkpoint c;
    if (!vdm_cut_line(&rest, &c.origin) || c.origin.n == 0 || !vdm_cut_line(&rest, &size) ||
        !vdm_number_decode(size, &c.size) || !vdm_cut_line(&rest, &root) ||
        !vdm_digest_from_base64(root, &c.root) || rest.n != 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a checkpoint of origin, size and root");
    if (!root_fits(&c))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "a root that no empty tree has");
    *out = c;
    return true;
}

void vdm_checkpoint_append(struct vdm_buf *out, const struct vdm_checkpoint *c)
{
    vdm_buf_put(out, c->origin);
    vdm_buf_putc(out, '\n');
    vdm_buf_putn(out, c->size);
    vdm_buf_putc(out, '\n');
    vdm_base64_append(out, vdm_digest_bytes(&c->root));
    vdm_buf_putc(out, '\n');
}

bool vdm_checkpoint_open(struct vdm_bytes whole, struct vdm_note *note, struct vdm_checkpoint *out,
                         struct vdm_err *err)
{
    struct vdm_note n;
    if (!vdm_note_decode(whole, &n, err) || !vdm_checkpoint_decode(n.text, out, err))
        return vdm_err_prefix(err, "checkpoint");
    vdm_note_copy(note, &n);
    return true;
}
