/* SPDX-License-Identifier: MIT */
#include "ops/verify_bundle.h"

#include "bundle/packed_again.h"
#include "ops/verify_bundle_state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void check_payload(struct vdm_bundle_check *v)
{
    if (!v->has_info || v->m.tar.status != VDM_TAR_END || v->m.payload.undecided ||
        vdm_members_payload_is(&v->m, v->info.payload_bytes, v->info.payload_files))
        return;
    vdm_report_add(v->report,
                   (struct vdm_seen){
                       .kind = VDM_BAG_INVALID, .entry = VDM_NO_ENTRY, .document = "bag-info.txt"},
                   "Payload-Oxum says %llu bytes in %llu files, the payload has %llu in %llu",
                   (unsigned long long)v->info.payload_bytes,
                   (unsigned long long)v->info.payload_files,
                   (unsigned long long)v->m.payload_bytes, (unsigned long long)v->m.payload_files);
}

static void check_times(struct vdm_bundle_check *v)
{
    if (!v->newest_seen || !v->newest_decoded)
        return;
    v->report->has_time = true;
    v->report->time = v->newest_recorded;
    if ((int64_t)v->m.mtime != v->newest_recorded.seconds)
        vdm_bundle_note(v, VDM_BAG_INVALID, VDM_NO_ENTRY, NULL,
                        "the members have not the newest entry's time");
}

/* Of what cannot be read as a bundle from its first header on: a person who packed it again has nothing
 * else to go by. */
static bool packed_again(const struct vdm_bundle_check *v)
{
    struct vdm_stream_reader *in VDM_CLEANUP(vdm_stream_reader_cleanup) = NULL;
    return v->start >= 0 && lseek(v->fd, v->start, SEEK_SET) == v->start &&
           vdm_stream_reader_open(&in, v->fd, NULL) && vdm_packed_again(in);
}

static void finish(struct vdm_bundle_check *v)
{
    v->m.packed_again = v->m.tar.foreign && packed_again(v);
    vdm_members_end(&v->m);
    check_payload(v);
    check_times(v);
    if (v->check.has_genesis)
        vdm_check_trust(&v->check, &v->o->trust, vdm_buf_bytes(&v->checkpoint),
                        vdm_buf_bytes(&v->cosigned));
    vdm_bundle_note(v, VDM_COMPLETENESS_NOT_PROVED, VDM_NO_ENTRY, NULL,
                    "a selection: other captures, and later amendments and withdrawals, may exist");
    vdm_bundle_note(v, VDM_FRESHNESS_UNKNOWN, VDM_NO_ENTRY, NULL,
                    "nothing here says whether this is the ledger's newest checkpoint");
}

static bool run(struct vdm_bundle_check *v, int fd, struct vdm_err *err)
{
    if (!vdm_members_open(&v->m, v->crypto, fd, v->report, v->progress, err) ||
        !vdm_bundle_read_head(v, err) || !vdm_bundle_read_keyring(v, err) ||
        !vdm_members_look_ahead(&v->m, v->o->pool, &v->check, err) ||
        !vdm_bundle_read_captures(v, err) || !vdm_bundle_read_newest(v, err) ||
        !vdm_bundle_read_evidence(v, err))
        return false;
    finish(v);
    return true;
}

bool vdm_verify_bundle(struct vdm_crypto *c, int fd, const char *name,
                       const struct vdm_bundle_options *o, const struct vdm_progress *progress,
                       struct vdm_report *report, struct vdm_err *err)
{
    struct vdm_bundle_check *v = calloc(1, sizeof *v);
    if (!v)
        return vdm_fail_memory(err);
    v->crypto = c;
    v->o = o;
    v->progress = progress;
    v->report = report;
    v->names_known = true;
    v->fd = fd;
    report->is_bundle = true;
    vdm_entry_check_init(&v->check, c, report);
    v->start = lseek(fd, 0, SEEK_CUR);
    bool ok = run(v, fd, err);
    if (!ok && err && err->kind == VDM_ERR_MALFORMED && packed_again(v))
        vdm_fail_as(err, VDM_ERR_MALFORMED, "not a bundle: " VDM_PACKED_AGAIN);
    vdm_members_close(&v->m);
    vdm_entry_check_release(&v->check);
    vdm_buf_release(&v->seal_bytes);
    vdm_buf_release(&v->checkpoint);
    vdm_buf_release(&v->pems);
    vdm_buf_release(&v->named);
    vdm_buf_release(&v->entry);
    vdm_buf_release(&v->cosigned);
    vdm_buf_release(&v->wholes);
    free(v->selected);
    free(v);
    return ok || vdm_err_prefix(err, "%s", name);
}

void vdm_check_given(const struct vdm_given_document *given, size_t n, struct vdm_report *report)
{
    char hex[65];
    for (size_t i = 0; i < n; i++) {
        if (given[i].matched)
            continue;
        vdm_digest_hex(given[i].digest, hex);
        vdm_report_add(
            report,
            (struct vdm_seen){.kind = VDM_DOCUMENT_UNMATCHED,
                              .entry = VDM_NO_ENTRY,
                              .document = given[i].name,
                              .found = hex},
            "the file that you gave is not the document of any capture that was checked");
    }
}
