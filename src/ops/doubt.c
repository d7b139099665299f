/* SPDX-License-Identifier: MIT */
#include "ops/doubt.h"

#include "keys/mark.h"
#include "ops/recover.h"
#include "ops/verify_archive.h"

#include <stdio.h>

bool vdm_doubt_raise(struct vdm_archive *a, struct vdm_err *err)
{
    struct vdm_err cause = err ? *err : (struct vdm_err){.kind = VDM_ERR_FAILED}, why = {0};
    if (vdm_mark_set(a->keys, cause.text, &why))
        return vdm_fail_as(err, cause.kind,
                           "%.700s (the next command that writes verifies the whole archive first)",
                           cause.text);
    return vdm_fail_as(err, cause.kind,
                       "%.500s (run `vidimus verify` before you write again: %.200s)", cause.text,
                       why.text);
}

bool vdm_doubt_none(struct vdm_archive *a, struct vdm_err *err)
{
    return !vdm_mark_is_set(a->keys) ||
           vdm_fail(err,
                    "a write failed here (keys/" VDM_MARK_FILE
                    "): run the command again, or `vidimus recover`; either verifies the whole "
                    "archive first");
}

static uint64_t bad_documents(const struct vdm_report *r)
{
    return r->kinds[VDM_DOCUMENT_MISSING] + r->kinds[VDM_DOCUMENT_CORRUPT];
}

/* Is all that was signed as it was signed? Whether somebody trusts its keys is not the question,
 * documents are only named in it, and the catalog is derived. */
static bool is_sound(const struct vdm_report *r)
{
    enum vdm_verdict v = vdm_report_verdict(r);
    uint64_t others = vdm_report_findings(r) - r->kinds[VDM_KEY_UNTRUSTED] -
                      r->kinds[VDM_CATALOG_MISMATCH] - bad_documents(r);
    return v != VDM_COULD_NOT_CHECK && others == 0;
}

static bool verify(struct vdm_archive *a, const struct vdm_progress *progress,
                   struct vdm_doubt *out, struct vdm_err *err)
{
    struct vdm_verify_options o = {0};
    struct vdm_report report;
    vdm_report_init(&report);
    bool ok = vdm_verify_archive(a->crypto, a->path, &o, progress, &report, err);
    if (ok && !is_sound(&report))
        ok =
            vdm_fail(err, "a write failed here (keys/" VDM_MARK_FILE
                          "), and the archive is not as it was signed: run `vidimus verify`, which "
                          "says what is wrong, and put store/ back from a backup; nothing is "
                          "written before it verifies");
    if (ok && report.kinds[VDM_CATALOG_MISMATCH])
        ok = vdm_reindex(a, progress, err);
    out->documents = bad_documents(&report);
    vdm_report_release(&report);
    return ok;
}

bool vdm_doubt_settle(struct vdm_archive *a, const struct vdm_progress *progress,
                      struct vdm_doubt *out, struct vdm_err *err)
{
    uint64_t id = vdm_mark_id(a->keys);
    *out = (struct vdm_doubt){.verified = id != 0};
    return id == 0 || (verify(a, progress, out, err) && vdm_mark_clear(a->keys, id, err));
}
