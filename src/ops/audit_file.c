/* SPDX-License-Identifier: MIT */
/* keys/ledger-file: what ledger.db was, byte for byte, when an audit ended. It may be lost without loss:
 * then there is nothing to compare with once. */
#include "base/file.h"
#include "base/text.h"
#include "format/value.h"
#include "ops/audit_state.h"

#include <fcntl.h>
#include <unistd.h>

#define REMEMBERED "ledger-file"

static bool decode(struct vdm_bytes text, struct vdm_ledger_file *out)
{
    uint64_t writes;
    if (!vdm_take_number(&text, "writes", &writes) || writes > UINT32_MAX ||
        !vdm_take_digest(&text, "digest", &out->digest) || text.n)
        return false;
    out->writes = (uint32_t)writes;
    return true;
}

void vdm_audit_forget_file(struct vdm_archive *a)
{
    unlinkat(a->keys, REMEMBERED, 0);
}

bool vdm_audit_check_file(struct vdm_audit_run *r, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_ledger_file before, now;
    bool steady;
    if (!vdm_file_read(r->a->keys, REMEMBERED, VDM_SMALL_FILE_MAX, &text, NULL) ||
        !decode(vdm_buf_bytes(&text), &before))
        return true;
    if (!vdm_ledger_file(r->a->store_path, r->a->crypto, &now, &steady, err))
        return false;
    r->file_differs =
        steady && now.writes == before.writes && !vdm_digest_equal(now.digest, before.digest);
    return true;
}

void vdm_audit_remember_file(struct vdm_archive *a)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_ledger_file now;
    bool steady = false;
    if (!vdm_ledger_file(a->store_path, a->crypto, &now, &steady, NULL) || !steady)
        return;
    vdm_put_number(&text, "writes", now.writes);
    vdm_put_digest(&text, "digest", now.digest);
    if (text.failed ||
        !vdm_file_publish(a->keys, REMEMBERED, 0644, true, vdm_buf_bytes(&text), NULL))
        vdm_audit_forget_file(a);
}
