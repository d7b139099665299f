/* SPDX-License-Identifier: MIT */
#include "ops/fork_side.h"

#include "base/file.h"
#include "bundle/layout.h"
#include "bundle/tar.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROOF_BEGIN "c2sp.org/tlog-proof@"

void vdm_seen_checkpoint_release(struct vdm_seen_checkpoint *s)
{
    vdm_buf_release(&s->bytes);
}

void vdm_fork_side_release(struct vdm_fork_side *s)
{
    for (size_t i = 0; i < s->seens; i++) {
        vdm_seen_checkpoint_release(s->seen[i]);
        free(s->seen[i]);
    }
    for (size_t i = 0; i < s->consistencies; i++) {
        vdm_buf_release(s->consistency[i]);
        free(s->consistency[i]);
    }
    free(s->key);
    vdm_archive_close(s->archive);
    memset(s, 0, sizeof *s);
}

/* --- what it holds --- */

static bool take(struct vdm_seen_checkpoint *out, struct vdm_bytes bytes, struct vdm_err *err)
{
    vdm_buf_clear(&out->bytes);
    vdm_buf_put(&out->bytes, bytes);
    return vdm_buf_ok(&out->bytes, err) &&
           vdm_checkpoint_open(vdm_buf_bytes(&out->bytes), &out->note, &out->head, err);
}

static bool add_checkpoint(struct vdm_fork_side *s, struct vdm_bytes bytes, struct vdm_err *err)
{
    if (s->seens == VDM_FORK_SEEN_MAX)
        return vdm_fail(err, "more than %d checkpoints", VDM_FORK_SEEN_MAX);
    struct vdm_seen_checkpoint *made = calloc(1, sizeof *made);
    if (!made)
        return vdm_fail_memory(err);
    s->seen[s->seens++] = made;
    if (take(made, bytes, err))
        return true;
    vdm_seen_checkpoint_release(made);
    free(s->seen[--s->seens]);
    return false;
}

static bool add_consistency(struct vdm_fork_side *s, struct vdm_bytes bytes, struct vdm_err *err)
{
    if (s->consistencies == VDM_FORK_SEEN_MAX)
        return vdm_fail(err, "more than %d consistency proofs", VDM_FORK_SEEN_MAX);
    struct vdm_buf *made = calloc(1, sizeof *made);
    if (!made)
        return vdm_fail_memory(err);
    s->consistency[s->consistencies++] = made;
    vdm_buf_put(made, bytes);
    return vdm_buf_ok(made, err);
}

static bool add_key(struct vdm_fork_side *s, const struct vdm_vkey *key, struct vdm_err *err)
{
    if (s->keys == VDM_KEY_ENTRIES_MAX)
        return vdm_fail(err, "more than %d keys", VDM_KEY_ENTRIES_MAX);
    struct vdm_vkey *grown = reallocarray(s->key, s->keys + 1, sizeof *grown);
    if (!grown)
        return vdm_fail_memory(err);
    s->key = grown;
    s->key[s->keys++] = *key;
    return true;
}

/* --- an archive --- */

static bool open_archive(struct vdm_fork_side *s, struct vdm_err *err)
{
    struct vdm_buf note VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint head;
    struct vdm_report nothing; /* what is wrong with key entries is for verify to tell */
    struct vdm_entry_check check;
    if (!vdm_archive_open(&s->archive, s->crypto, s->name, VDM_ARCHIVE_READ, err) ||
        !vdm_archive_head(s->archive, &note, &head, err) ||
        !add_checkpoint(s, vdm_buf_bytes(&note), err))
        return false;
    vdm_report_init(&nothing);
    vdm_entry_check_init(&check, s->crypto, &nothing);
    bool ok = vdm_archive_keyring(s->archive, head.size, &check, err);
    for (size_t i = 0; ok && i < check.keyring.count; i++)
        if (check.keyring.range[i].role == VDM_ROLE_LEDGER)
            ok = add_key(s, &check.keyring.range[i].key, err);
    vdm_entry_check_release(&check);
    vdm_report_release(&nothing);
    return ok;
}

/* --- a bundle: only what is signed, or proves itself, is taken from it --- */

struct reading {
    struct vdm_stream_reader *stream;
    struct vdm_tar_reader tar;
    struct vdm_tar_member member;
    struct vdm_buf content, pems;
};

static void reading_close(struct reading *r)
{
    vdm_stream_reader_close(r->stream);
    vdm_buf_release(&r->content);
    vdm_buf_release(&r->pems);
}

static bool wanted(const struct vdm_layout_member *m, uint64_t size)
{
    bool evidence = m->kind == VDM_LAYOUT_EVIDENCE &&
                    (strcmp(m->name, "checkpoint") == 0 || strcmp(m->name, "consistency") == 0);
    return (evidence || m->kind == VDM_LAYOUT_CHECKPOINT || m->kind == VDM_LAYOUT_KEY) &&
           size <= VDM_NOTE_MAX;
}

static bool read_member(struct reading *r, bool *whole, struct vdm_err *err)
{
    enum vdm_tar_status status;
    size_t got = 0, size = (size_t)r->member.size;
    vdm_buf_clear(&r->content);
    uint8_t *p = vdm_buf_grow(&r->content, size);
    *whole = size > 0;
    if (!p)
        return vdm_fail_memory(err);
    if (size > 0 && !vdm_tar_reader_read(&r->tar, p, size, &got, &status, err))
        return false;
    *whole = got == size && size > 0;
    return true;
}

/* Evidence that is malformed is passed over, as verify does. */
static bool take_member(struct vdm_fork_side *s, struct reading *r,
                        const struct vdm_layout_member *m, struct vdm_err *err)
{
    struct vdm_bytes bytes = vdm_buf_bytes(&r->content);
    struct vdm_pubkey key;
    struct vdm_err why = {0};
    if (m->kind == VDM_LAYOUT_KEY) {
        if (vdm_key_pem_decode(bytes, &key) && r->pems.n < VDM_EVIDENCE_MAX)
            vdm_buf_put(&r->pems, (struct vdm_bytes){key.b, sizeof key.b});
        return vdm_buf_ok(&r->pems, err);
    }
    bool ok = m->kind == VDM_LAYOUT_EVIDENCE && strcmp(m->name, "consistency") == 0
                  ? add_consistency(s, bytes, &why)
                  : add_checkpoint(s, bytes, &why);
    return ok || why.kind == VDM_ERR_MALFORMED || vdm_fail_as(err, why.kind, "%s", why.text);
}

/* Ledger keys are named like the origin. */
static bool name_keys(struct vdm_fork_side *s, const struct vdm_buf *pems, struct vdm_err *err)
{
    struct vdm_vkey named;
    struct vdm_pubkey key;
    for (size_t at = 0; at < pems->n; at += sizeof key.b) {
        memcpy(key.b, pems->p + at, sizeof key.b);
        if (vdm_vkey_make(s->crypto, s->seen[0]->head.origin, &key, &named, NULL) &&
            !add_key(s, &named, err))
            return false;
    }
    return true;
}

static bool read_bundle(struct vdm_fork_side *s, struct reading *r, int fd,
                        const struct vdm_progress *progress, struct vdm_err *err)
{
    enum vdm_tar_status status = VDM_TAR_OK;
    struct vdm_layout_member m;
    bool whole;
    if (!vdm_stream_reader_open(&r->stream, fd, err))
        return false;
    vdm_tar_reader_init(&r->tar, r->stream);
    for (;;) {
        if (vdm_progress_stop(progress))
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
        if (!vdm_tar_reader_next(&r->tar, &status, &r->member, err))
            return false;
        if (status != VDM_TAR_OK)
            break;
        if (!vdm_layout_decode(vdm_str(vdm_tar_path(&r->member)), &m) ||
            !wanted(&m, r->member.size))
            continue;
        if (!read_member(r, &whole, err) || (whole && !take_member(s, r, &m, err)))
            return false;
    }
    if (s->seens == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "no archive, bundle, proof or checkpoint: nothing signed is in it");
    return name_keys(s, &r->pems, err);
}

/* --- a file, told by its content --- */

static bool open_text(struct vdm_fork_side *s, struct vdm_bytes text, bool *is_one,
                      struct vdm_err *err)
{
    struct vdm_inclusion_proof p;
    struct vdm_err why = {0};
    *is_one = true;
    if (vdm_bytes_start_with(text, VDM_LIT(PROOF_BEGIN)))
        return vdm_inclusion_proof_decode(text, &p, err) && add_checkpoint(s, p.checkpoint, err);
    if (text.n <= VDM_NOTE_MAX && add_checkpoint(s, text, &why))
        return true;
    *is_one = false;
    return why.kind != VDM_ERR_FAILED || vdm_fail(err, "%s", why.text);
}

static bool open_file(struct vdm_fork_side *s, const struct vdm_progress *progress,
                      struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_buf begin VDM_CLEANUP(vdm_buf_release) = {0};
    struct reading r VDM_CLEANUP(reading_close) = {0};
    bool is_text = false;
    if (!vdm_file_open(AT_FDCWD, s->name, true, &fd, err))
        return false;
    uint8_t *p = vdm_buf_grow(&begin, VDM_NOTE_MAX + 1);
    if (!p)
        return vdm_fail_memory(err);
    if (!vdm_fd_read(fd, p, VDM_NOTE_MAX + 1, &begin.n, err) ||
        !open_text(s, vdm_buf_bytes(&begin), &is_text, err))
        return false;
    if (is_text)
        return true;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return vdm_fail_errno(err, "seek");
    return read_bundle(s, &r, fd, progress, err);
}

bool vdm_fork_side_open(struct vdm_fork_side *s, struct vdm_crypto *c, const char *path,
                        const struct vdm_progress *progress, struct vdm_err *err)
{
    struct stat st;
    s->name = path;
    s->crypto = c;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    return (folder ? open_archive(s, err) : open_file(s, progress, err)) ||
           vdm_err_prefix(err, "%s", path);
}

/* --- what it can show --- */

/* The consistency evidence from m to y. */
static bool find_consistency(const struct vdm_fork_side *s, uint64_t m,
                             const struct vdm_seen_checkpoint *y, struct vdm_consistency_proof *out)
{
    for (size_t i = 0; i < s->consistencies; i++)
        if (vdm_consistency_proof_decode(vdm_buf_bytes(s->consistency[i]), out, NULL) &&
            out->old_size == m && vdm_bytes_equal(out->checkpoint, vdm_buf_bytes(&y->bytes)))
            return true;
    return false;
}

bool vdm_fork_side_root(struct vdm_fork_side *s, uint64_t m, const struct vdm_seen_checkpoint *y,
                        struct vdm_digest *root, bool *known, struct vdm_err *err)
{
    struct vdm_consistency_proof p;
    *known = s->archive != NULL;
    if (s->archive) {
        struct vdm_tiles tiles = vdm_archive_tiles(s->archive);
        return vdm_tiles_root(&tiles, m, root, err);
    }
    /* Evidence tells its old root by the checkpoint that stands beside it, whoever signed that. */
    for (size_t i = 0; !*known && i < s->seens; i++) {
        const struct vdm_checkpoint *h = &s->seen[i]->head;
        *known = h->size == m && find_consistency(s, m, y, &p) &&
                 vdm_consistency_valid(s->crypto, m, h->root, y->head.size, y->head.root, p.hash,
                                       p.hashes);
        *root = h->root;
    }
    return true;
}

bool vdm_fork_side_path(struct vdm_fork_side *s, uint64_t m, const struct vdm_seen_checkpoint *y,
                        struct vdm_tree_proof *out, struct vdm_err *err)
{
    struct vdm_consistency_proof p;
    if (s->archive) {
        struct vdm_tiles tiles = vdm_archive_tiles(s->archive);
        return vdm_tiles_consistency(&tiles, m, y->head.size, out, err);
    }
    if (!find_consistency(s, m, y, &p))
        return vdm_fail(err, "%s holds no consistency proof from size %llu", s->name,
                        (unsigned long long)m);
    out->n = p.hashes;
    memcpy(out->hashes, p.hash, p.hashes * sizeof *p.hash);
    return true;
}

bool vdm_fork_side_choose(struct vdm_fork_side *s, uint64_t m, const struct vdm_vkey *key,
                          const struct vdm_seen_checkpoint *y, struct vdm_seen_checkpoint *out,
                          bool *found, struct vdm_err *err)
{
    struct vdm_ledger_slice slice = {0};
    bool ok = true;
    *found = false;
    if (!s->archive) {
        *found = vdm_note_verify(&y->note, s->crypto, key, NULL) == VDM_NOTE_GOOD;
        return take(out, vdm_buf_bytes(&y->bytes), err);
    }
    for (uint64_t at = m - 1; ok && !*found && at < y->head.size; at = slice.to) {
        ok = vdm_ledger_read_slice(s->archive->ledger, at, y->head.size, &slice, err);
        for (size_t i = 0; ok && !*found && i < slice.checkpoints; i++)
            *found = take(out, slice.checkpoint[i].bytes, NULL) &&
                     out->head.size == slice.checkpoint[i].n &&
                     vdm_note_verify(&out->note, s->crypto, key, NULL) == VDM_NOTE_GOOD;
    }
    vdm_ledger_slice_release(&slice);
    return ok;
}
