/* SPDX-License-Identifier: MIT */
#include "ops/verify_bundle_members.h"

#include "base/text.h"
#include "bundle/packed_again.h"

#include <string.h>

static void add(struct vdm_members *m, enum vdm_finding_kind kind, const char *document,
                const char *message)
{
    vdm_report_add(m->report,
                   (struct vdm_seen){.kind = kind, .entry = VDM_NO_ENTRY, .document = document},
                   "%s", message);
}

/* --- going on --- */

static bool next_header(struct vdm_members *m, struct vdm_err *err)
{
    if (vdm_progress_stop(m->progress))
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    m->loaded = m->faulty = m->here = false;
    m->content = (struct vdm_bytes){0};
    vdm_buf_clear(&m->own);
    (void)vdm_hash_end(m->hash);
    if (!vdm_bundle_ahead_next(m->ahead, &m->at, err))
        return false;
    m->here = m->at != NULL;
    if (!m->here)
        return true;
    m->member = m->at->header;
    m->name = m->at->name;
    m->path = vdm_tar_path(&m->member);
    m->mtimes_differ = m->mtimes_differ || (m->has_mtime && m->member.mtime != m->mtime);
    m->has_mtime = true;
    m->mtime = m->member.mtime;
    return true;
}

/* To the next member that a bundle can have. */
static bool next_of_ours(struct vdm_members *m, struct vdm_err *err)
{
    char last[VDM_TAR_NAME_MAX + 1];
    memcpy(last, m->member.name, sizeof last);
    for (;;) {
        if (!next_header(m, err))
            return false;
        if (!m->here)
            return true;
        bool twice = strcmp(last, m->member.name) == 0;
        if (!twice && m->at->ours)
            return true;
        add(m, VDM_UNEXPECTED_MEMBER, m->path,
            twice ? "this member stands twice" : "no bundle has such a member");
    }
}

/* Whether its manifest has a line for it cannot be told any more. */
bool vdm_members_skip(struct vdm_members *m, struct vdm_err *err)
{
    if (m->here)
        (void)vdm_members_absent(m, &m->name, NULL);
    return next_of_ours(m, err);
}

bool vdm_members_unexpected(struct vdm_members *m, const char *why, struct vdm_err *err)
{
    bool entry = m->name.kind == VDM_LAYOUT_ENTRY;
    vdm_report_add(m->report,
                   (struct vdm_seen){.kind = VDM_UNEXPECTED_MEMBER,
                                     .entry = entry ? m->name.n : VDM_NO_ENTRY,
                                     .document = m->path},
                   "%s", why ? why : "this member does not belong here");
    return vdm_members_skip(m, err);
}

/* --- opening --- */

static bool not_a_bundle(struct vdm_err *err)
{
    return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a bundle");
}

/* `<folder>/bagit.txt` and a NUL: so every bundle begins, whatever was done to it afterwards. */
static bool begins_like_a_bundle(const struct vdm_tar_reader *r)
{
    struct vdm_bytes rest = {r->begin, r->begin_n}, folder, name;
    return vdm_cut(&rest, '/', &folder) && vdm_tar_folder_valid(folder) &&
           vdm_cut(&rest, 0, &name) && vdm_bytes_equal_str(name, "bagit.txt");
}

/* Compressed data that breaks off before the first name is whole may have been one; a plain file that
 * short may have been anything. */
static bool first_member(struct vdm_members *m, struct vdm_err *err)
{
    if (!next_header(m, err))
        return false;
    if (m->here)
        return m->at->ours || not_a_bundle(err);
    enum vdm_stream_state state = vdm_stream_state(m->stream);
    bool broken = vdm_stream_form(m->stream) != VDM_STREAM_PLAIN &&
                  vdm_stream_bytes(m->stream) < VDM_TAR_BLOCK &&
                  (state == VDM_STREAM_CUT_OFF || state == VDM_STREAM_CORRUPT);
    return broken || begins_like_a_bundle(&m->tar) || not_a_bundle(err);
}

bool vdm_members_open(struct vdm_members *m, struct vdm_crypto *c, int fd,
                      struct vdm_report *report, const struct vdm_progress *progress,
                      struct vdm_err *err)
{
    memset(m, 0, sizeof *m);
    m->crypto = c;
    m->report = report;
    m->progress = progress;
    m->path = "";
    if (!vdm_stream_reader_open(&m->stream, fd, err) || !vdm_hash_open(&m->hash, c, err) ||
        !vdm_hash_open(&m->payload.hash, c, err) || !vdm_hash_open(&m->payload.full, c, err) ||
        !vdm_hash_open(&m->tags.hash, c, err) || !vdm_hash_open(&m->tags.full, c, err))
        return false;
    vdm_tar_reader_init(&m->tar, m->stream);
    return vdm_bundle_ahead_open(&m->ahead, &m->tar, err) && first_member(m, err);
}

bool vdm_members_look_ahead(struct vdm_members *m, struct vdm_pool *pool,
                            const struct vdm_entry_check *check, struct vdm_err *err)
{
    return vdm_bundle_ahead_begin(m->ahead, pool, m->crypto, check, err);
}

void vdm_members_close(struct vdm_members *m)
{
    vdm_bundle_ahead_close(m->ahead);
    vdm_stream_reader_close(m->stream);
    vdm_hash_close(m->hash);
    vdm_hash_close(m->payload.hash);
    vdm_hash_close(m->payload.full);
    vdm_hash_close(m->tags.hash);
    vdm_hash_close(m->tags.full);
    vdm_buf_release(&m->own);
    memset(m, 0, sizeof *m);
}

bool vdm_members_at(const struct vdm_members *m, enum vdm_layout_kind kind)
{
    return m->here && m->name.kind == kind;
}

bool vdm_members_at_number(const struct vdm_members *m, enum vdm_layout_kind kind, uint64_t n)
{
    return vdm_members_at(m, kind) && m->name.n == n;
}

bool vdm_members_broken_off(const struct vdm_members *m)
{
    return !m->here && m->tar.status != VDM_TAR_END;
}

/* --- reading --- */

bool vdm_members_read(struct vdm_members *m, uint8_t *p, size_t cap, size_t *got,
                      struct vdm_err *err)
{
    enum vdm_tar_status status;
    *got = 0;
    if (!m->here)
        return true;
    if (vdm_progress_stop(m->progress))
        return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    if (!vdm_bundle_ahead_read(m->ahead, p, cap, got, &status, err))
        return false;
    m->here = status == VDM_TAR_OK;
    vdm_hash_update(m->hash, (struct vdm_bytes){p, *got});
    return true;
}

bool vdm_members_load(struct vdm_members *m, size_t limit, struct vdm_err *err)
{
    if (m->loaded || !m->here)
        return true;
    size_t n = m->member.size > limit ? limit + 1 : (size_t)m->member.size, got = 0;
    m->loaded = true;
    m->content = (struct vdm_bytes){m->at->content.p, n};
    if (m->at->in_memory && n <= m->at->content.n)
        return true;
    uint8_t *p = vdm_buf_grow(&m->own, n);
    m->content = vdm_buf_bytes(&m->own);
    return vdm_buf_ok(&m->own, err) && (n == 0 || vdm_members_read(m, p, n, &got, err));
}

const struct vdm_known_entry *vdm_members_entry(struct vdm_members *m, struct vdm_buf *bytes)
{
    vdm_buf_clear(bytes);
    if (!m->at->looked_at || !m->at->known.decoded) {
        vdm_buf_put(bytes, m->content);
        return NULL;
    }
    const struct vdm_buf old = *bytes;
    *bytes = m->at->entry;
    m->at->entry = old;
    return &m->at->known;
}

bool vdm_members_digest(struct vdm_members *m, struct vdm_digest *digest, struct vdm_err *err)
{
    if (m->here && m->at->looked_at) {
        *digest = m->at->digest;
        return true;
    }
    uint8_t piece[VDM_COPY_BYTES]; /* which is cleared first, for more than most members take */
    size_t got = 1;
    while (m->here && got > 0)
        if (!vdm_members_read(m, piece, sizeof piece, &got, err))
            return false;
    if (m->here)
        *digest = vdm_hash_end(m->hash);
    return true;
}

/* --- the manifests --- */

static struct vdm_remade *manifest_of(struct vdm_members *m, enum vdm_layout_kind kind)
{
    return vdm_layout_in_manifest(kind)      ? &m->payload
           : vdm_layout_in_tagmanifest(kind) ? &m->tags
                                             : NULL;
}

static void add_line(struct vdm_members *m, const struct vdm_layout_member *name,
                     const struct vdm_accounted *as, bool absent)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    char path[VDM_LAYOUT_PATH_MAX + 1];
    struct vdm_remade *r = manifest_of(m, name->kind);
    if (!r)
        return;
    if (r == &m->payload) {
        *(absent ? &m->absent_files : &m->payload_files) += 1;
        *(absent ? &m->absent_bytes : &m->payload_bytes) += as->size;
    }
    if (vdm_layout_encode(name, path, NULL))
        vdm_manifest_append(&line, as->digest, path);
    m->report->no_memory = m->report->no_memory || line.failed;
    vdm_hash_update(r->full, vdm_buf_bytes(&line));
    if (!absent)
        vdm_hash_update(r->hash, vdm_buf_bytes(&line));
}

bool vdm_members_take(struct vdm_members *m, const struct vdm_accounted *as, struct vdm_err *err)
{
    struct vdm_accounted own = {.size = m->member.size};
    if (!as && !vdm_members_digest(m, &own.digest, err))
        return false;
    if (!m->here)
        return true;
    if (m->name.kind == VDM_LAYOUT_MANIFEST || m->name.kind == VDM_LAYOUT_TAGMANIFEST) {
        struct vdm_remade *r = m->name.kind == VDM_LAYOUT_MANIFEST ? &m->payload : &m->tags;
        r->file = own.digest;
        r->has_file = true;
    }
    add_line(m, &m->name, as ? as : &own, false);
    struct vdm_remade *listed_in = manifest_of(m, m->name.kind);
    if (listed_in)
        listed_in->undecided = listed_in->undecided || m->faulty;
    return next_of_ours(m, err);
}

bool vdm_members_absent(struct vdm_members *m, const struct vdm_layout_member *name,
                        const struct vdm_accounted *as)
{
    struct vdm_remade *r = manifest_of(m, name->kind);
    if (as)
        add_line(m, name, as, true);
    else if (r)
        r->undecided = true;
    return !vdm_members_broken_off(m);
}

/* --- the end --- */

bool vdm_members_payload_is(const struct vdm_members *m, uint64_t bytes, uint64_t files)
{
    return (bytes == m->payload_bytes && files == m->payload_files) ||
           (bytes == m->payload_bytes + m->absent_bytes &&
            files == m->payload_files + m->absent_files);
}

static void compare(struct vdm_members *m, struct vdm_remade *r, const char *path)
{
    char want[65], got[65];
    struct vdm_digest made = vdm_hash_end(r->hash), full = vdm_hash_end(r->full);
    if (!r->has_file || r->undecided || vdm_digest_equal(made, r->file) ||
        vdm_digest_equal(full, r->file))
        return;
    vdm_digest_hex(made, want);
    vdm_digest_hex(r->file, got);
    vdm_report_add(m->report,
                   (struct vdm_seen){.kind = VDM_BAG_INVALID,
                                     .entry = VDM_NO_ENTRY,
                                     .document = path,
                                     .expected = want,
                                     .found = got},
                   "it is not the list of the members that stand here: one of them, or the list, "
                   "was changed (`sha256sum -c` names it)");
}

void vdm_members_end(struct vdm_members *m)
{
    switch (m->tar.status) {
    case VDM_TAR_OK:
    case VDM_TAR_END:
        compare(m, &m->payload, "manifest-sha256.txt");
        compare(m, &m->tags, "tagmanifest-sha256.txt");
        break;
    case VDM_TAR_CUT_OFF:
        vdm_report_add(m->report, (struct vdm_seen){.kind = VDM_TRUNCATED, .entry = VDM_NO_ENTRY},
                       "%s, after %llu bytes", m->tar.reason, (unsigned long long)m->tar.offset);
        break;
    case VDM_TAR_MALFORMED:
    case VDM_TAR_DAMAGED:
        vdm_report_add(m->report, (struct vdm_seen){.kind = VDM_BAG_INVALID, .entry = VDM_NO_ENTRY},
                       "%s, at byte %llu of the tar; nothing behind it was read%s", m->tar.reason,
                       (unsigned long long)m->tar.offset,
                       m->packed_again ? ": " VDM_PACKED_AGAIN : "");
        break;
    }
    if (m->mtimes_differ)
        add(m, VDM_BAG_INVALID, NULL, "the members have not all the same time");
}
