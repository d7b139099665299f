/* SPDX-License-Identifier: MIT */
#include "ops/mirror.h"

#include "base/file.h"
#include "keys/guard.h"
#include "keys/pub.h"
#include "ops/audit_state.h"
#include "ops/mirror_gone.h"
#include "ops/mirror_place.h"
#include "store/store_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_SECONDS 120

struct mirror {
    struct vdm_archive *a;
    const struct vdm_progress *progress;
    struct vdm_mirror_done *done;
    bool all;
    const char *folder;
    char *store_path;
    int keys, lock;
    struct vdm_store *store;
    struct vdm_ledger *old;    /* what the mirror had; NULL: nothing */
    struct vdm_buf checkpoint; /* of the new state */
    struct vdm_audit_run run;  /* the check of the copy of the ledger */
    struct vdm_audit_done checked;
    struct vdm_gone gone; /* what is withdrawn, and may still be here or there */
};

void vdm_mirror_done_release(struct vdm_mirror_done *d)
{
    vdm_report_release(&d->report);
    *d = (struct vdm_mirror_done){0};
}

/* --- keys --- */

/* VDM_ERR_MALFORMED or VDM_ERR_REFUSED: it is no public key. A link is none: it may lead to a secret. */
static bool read_public(struct mirror *m, const char *name, struct vdm_vkey *out,
                        struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    uint8_t *p = vdm_buf_grow(&text, VDM_SMALL_FILE_MAX + 1);
    size_t got;
    if (!vdm_buf_ok(&text, err) || !vdm_file_open(m->a->keys, name, false, &fd, err) ||
        !vdm_fd_read(fd, p, text.n, &got, err))
        return false;
    if (got > VDM_SMALL_FILE_MAX)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "too long for a public key");
    return vdm_pub_decode(m->a->crypto, (struct vdm_bytes){p, got}, out, err);
}

/* What is written is the key that was understood, not the bytes of a file. */
static bool copy_public(void *ctx, const char *name, struct vdm_err *err)
{
    struct mirror *m = ctx;
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_vkey key;
    struct vdm_err why = {0};
    if (!read_public(m, name, &key, &why)) {
        m->done->no_keys++;
        return why.kind == VDM_ERR_MALFORMED || why.kind == VDM_ERR_REFUSED ||
               vdm_fail_as(err, why.kind, "keys/%s: %s", name, why.text);
    }
    vdm_vkey_append(&line, &key);
    vdm_buf_putc(&line, '\n');
    return vdm_buf_ok(&line, err) &&
           vdm_file_publish(m->keys, name, 0644, true, vdm_buf_bytes(&line), err);
}

/* A folder of the mirror that is no link: keys/ of somebody else stays what it is. */
static bool open_keys(int folder, int *keys, struct vdm_err *err)
{
    *keys = openat(folder, "keys", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *keys >= 0 || vdm_fail_errno(err, "open the mirror's folder keys (no link)");
}

/* --- the folder --- */

/* What is older than what was signed is no copy that anybody should keep as the newest. */
static bool check_guard(struct mirror *m, struct vdm_err *err)
{
    enum vdm_guard_state state;
    uint64_t size, guarded;
    if (!vdm_ledger_size(m->a->ledger, &size, err) ||
        !vdm_archive_guard_now(m->a, &size, &state, &guarded, err))
        return false;
    if (state == VDM_GUARD_AHEAD)
        return vdm_fail(err,
                        "rolled-back: this archive has %llu entries, but %llu were signed "
                        "(keys/last-checkpoint); an older state is not mirrored",
                        (unsigned long long)size, (unsigned long long)guarded);
    return state != VDM_GUARD_FORKED ||
           vdm_fail(err, "forked: this archive has another history than was signed "
                         "(keys/last-checkpoint); it is not mirrored");
}

/* A mirror keeps its documents as its archive does. */
static bool has_packs(const struct mirror *m)
{
    char path[VDM_PATH_MAX_BYTES + 8];
    return snprintf(path, sizeof path, "%s/packs", m->a->store_path) < (int)sizeof path &&
           access(path, F_OK) == 0;
}

static bool open_folder(struct mirror *m, struct vdm_err *err)
{
    int folder VDM_CLEANUP(vdm_fd_close) = -1;
    if (asprintf(&m->store_path, "%s/store", m->folder) < 0)
        return vdm_fail_memory(err);
    if (!vdm_dir_make(AT_FDCWD, m->folder, 0700, false, err) ||
        !vdm_dir_open(AT_FDCWD, m->folder, &folder, err) ||
        !vdm_dir_make(folder, "keys", 0700, false, err) || !open_keys(folder, &m->keys, err) ||
        !open_keys(folder, &m->lock, err) || !vdm_mirror_no_secrets(m->folder, m->keys, err))
        return false;
    if (flock(m->lock, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? vdm_fail(err, "%s is being brought up to date by another run", m->folder)
                   : vdm_fail_errno(err, "lock keys");
    if (faccessat(folder, "store/objects", F_OK, 0) != 0 &&
        !vdm_store_create_folder(m->store_path, has_packs(m), err))
        return false;
    return vdm_mirror_outside(m->a, folder, "store", err) &&
           vdm_mirror_outside(m->a, folder, "store/objects", err) &&
           vdm_store_open_folder(&m->store, m->a->crypto, m->store_path, true, err);
}

/* What the mirror had must be a beginning of what is here. */
static bool open_old(struct mirror *m, struct vdm_err *err)
{
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err why = {0};
    struct vdm_note note;
    struct vdm_checkpoint head;
    enum vdm_guard_state state;
    uint64_t size;
    bool found;
    if (!vdm_ledger_open(&m->old, m->store_path, VDM_LEDGER_READ, &why))
        return why.kind == VDM_ERR_NOT_FOUND || vdm_fail_as(err, why.kind, "%s", why.text);
    if (!vdm_ledger_size(m->old, &m->done->before, err) ||
        !vdm_ledger_checkpoint(m->old, m->done->before, &bytes, &found, err) ||
        !vdm_ledger_size(m->a->ledger, &size, err))
        return false;
    if (!found || !vdm_checkpoint_open(vdm_buf_bytes(&bytes), &note, &head, err))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the mirror's ledger has no good checkpoint");
    if (!vdm_bytes_equal_str(head.origin, m->a->origin))
        return vdm_fail(err, "it mirrors another ledger, %.*s", (int)head.origin.n,
                        (const char *)head.origin.p);
    if (!vdm_archive_extends(m->a, size, &head, &state, err))
        return false;
    if (state == VDM_GUARD_AHEAD)
        return vdm_fail(err, "rolled-back: the mirror has %llu entries, the archive only %llu",
                        (unsigned long long)head.size, (unsigned long long)size);
    return state != VDM_GUARD_FORKED ||
           vdm_fail(err, "forked: the mirror has another history than the archive");
}

/* --- documents --- */

static void note_bad(struct mirror *m, enum vdm_finding_kind kind, uint64_t n, struct vdm_digest id,
                     const char *text)
{
    char hex[65];
    vdm_digest_hex(id, hex);
    vdm_report_add(&m->done->report,
                   (struct vdm_seen){.kind = kind, .entry = n, .document = hex, .expected = hex},
                   "%s", text);
}

/* It is hashed while it is copied; one that is not what it should be is not left there. */
static bool copy_document(struct mirror *m, uint64_t n, struct vdm_digest id, struct vdm_err *err)
{
    struct vdm_store_reader from VDM_CLEANUP(vdm_store_reader_close) = {.fd = -1};
    struct vdm_stored stored;
    struct vdm_err why = {0};
    if (!vdm_store_get(m->a->store, id, &from, &why)) {
        if (vdm_err_is_memory(&why))
            return vdm_fail_memory(err);
        note_bad(m, why.kind == VDM_ERR_NOT_FOUND ? VDM_DOCUMENT_MISSING : VDM_DOCUMENT_UNREADABLE,
                 n, id, why.text);
        return true;
    }
    if (!vdm_store_put(m->store, from.read, &from, from.size_bytes, &stored, &why)) {
        if (vdm_bytes_start_with(vdm_str(why.text), VDM_LIT("store: ")) || vdm_err_is_memory(&why))
            return vdm_fail_as(err, why.kind, "%s: %s", m->folder, why.text);
        note_bad(m, VDM_DOCUMENT_UNREADABLE, n, id, why.text);
        return true;
    }
    if (vdm_digest_equal(stored.id, id)) {
        m->done->copied += stored.was_new;
        m->done->repaired += stored.repaired;
        m->done->bytes += stored.was_new || stored.repaired ? stored.size_bytes : 0;
        return true;
    }
    note_bad(m, VDM_DOCUMENT_CORRUPT, n, id,
             "the stored document has other bytes than were recorded");
    return !stored.was_new || vdm_store_erase(m->store, stored.id, stored.size_bytes, err);
}

/* It is good in the mirror: whether it is here too, only a look tells. */
static bool look_here(struct mirror *m, uint64_t n, struct vdm_digest id, struct vdm_err *err)
{
    bool here;
    struct vdm_err why = {0};
    if (!vdm_store_holds(m->a->store, id, &here, &why)) {
        if (vdm_err_is_memory(&why))
            return vdm_fail_memory(err);
        note_bad(m, VDM_DOCUMENT_UNREADABLE, n, id, why.text);
        return true;
    }
    if (!here)
        note_bad(m, VDM_DOCUMENT_MISSING, n, id,
                 "the document is not in the store; the mirror has it (`vidimus audit "
                 "--repair-from` takes it from there)");
    return true;
}

/* What earlier runs have made durable is taken to be good, unless asked; what an interrupted one left is
 * read again. What cannot be looked at is not good: a copy takes its place, or says why it cannot. */
static bool is_good_there(struct mirror *m, uint64_t n, struct vdm_digest id)
{
    enum vdm_store_state state;
    bool there;
    if (!vdm_store_holds(m->store, id, &there, NULL) || !there)
        return false;
    if (n < m->done->before && !m->all)
        return true;
    m->done->checked++;
    return vdm_store_check(m->store, id, VDM_SIZE_UNKNOWN, &state, NULL) && state == VDM_STORE_GOOD;
}

static bool take_document(struct mirror *m, uint64_t n, struct vdm_digest id, struct vdm_err *err)
{
    return is_good_there(m, n, id) ? look_here(m, n, id, err) : copy_document(m, n, id, err);
}

static void note_record(struct mirror *m, uint64_t n, enum vdm_finding_kind kind, const char *text)
{
    vdm_report_add(&m->done->report, (struct vdm_seen){.kind = kind, .entry = n}, "%s", text);
}

/* The record of a capture or of an amendment of it. Only one that the entry commits to tells which document a
 * capture keeps. What is withdrawn is not copied, though the erasing here may have been interrupted: that is no
 * reason for a second copy of it. */
static bool take_record(struct mirror *m, const struct vdm_entry *e,
                        const struct vdm_ledger_row *record, struct vdm_err *err)
{
    uint64_t capture = e->kind == VDM_ENTRY_AMENDMENT ? e->capture.amends : e->n;
    const struct vdm_audit_withdrawn *w = vdm_audit_withdrawal(&m->run, capture);
    const char *problem = NULL;
    struct vdm_record r;
    if (w && w->record)
        return !record || vdm_gone_add_record(&m->gone, e->n, err);
    if (!record)
        note_record(m, e->n, VDM_RECORD_MISSING, "its record is not in the ledger");
    else if ((problem = vdm_audit_record_problem(&m->run, e, record, &r)))
        note_record(m, e->n, VDM_RECORD_MISMATCH, problem);
    if (w)
        return true;
    if (!record || problem)
        return vdm_gone_keep_lost(&m->gone, m->a->crypto, e, err);
    vdm_gone_keep(&m->gone, r.document);
    return e->kind == VDM_ENTRY_AMENDMENT || take_document(m, e->n, r.document, err);
}

static bool take_entry(struct mirror *m, const struct vdm_ledger_row *row,
                       const struct vdm_ledger_row *record, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    if (!vdm_entry_open(m->a->crypto, row->bytes, &note, &e, NULL))
        return true; /* told by the check of the ledger */
    if (e.kind == VDM_ENTRY_CAPTURE || e.kind == VDM_ENTRY_AMENDMENT)
        return take_record(m, &e, record, err);
    if (e.kind != VDM_ENTRY_AUDIT || !e.audit.has_findings)
        return true;
    vdm_gone_keep(&m->gone, e.audit.findings);
    return take_document(m, row->n, e.audit.findings, err);
}

static bool take_all(struct mirror *m, struct vdm_ledger *l, struct vdm_err *err)
{
    struct vdm_ledger_slice s = {0};
    bool ok = true;
    for (uint64_t n = 0; ok && n < m->done->size; n = s.to) {
        ok = vdm_ledger_read_slice(l, n, m->done->size, &s, err);
        for (size_t i = 0, k = 0; ok && i < s.entries; i++) {
            while (k < s.records && s.record[k].n < s.entry[i].n)
                k++;
            ok = take_entry(m, &s.entry[i],
                            k < s.records && s.record[k].n == s.entry[i].n ? &s.record[k] : NULL,
                            err);
            if (ok && i % 64 == 0 && vdm_progress_stop(m->progress))
                ok = vdm_fail_as(err, VDM_ERR_INTERRUPTED,
                                 "interrupted; what was copied stays, and the next run goes on");
        }
        vdm_progress_tell(m->progress, "mirroring", s.to, m->done->size, m->done->bytes);
    }
    vdm_ledger_slice_release(&s);
    return ok;
}

/* --- what was withdrawn --- */

static bool erase_records(struct mirror *m, const char *aside, struct vdm_err *err)
{
    struct vdm_ledger *l = NULL;
    if (m->gone.records == 0)
        return true;
    bool ok = vdm_ledger_open(&l, aside, VDM_LEDGER_WRITE, err) &&
              vdm_ledger_erase_records(l, m->gone.record, m->gone.records, err);
    vdm_ledger_close(l);
    return ok;
}

/* It may be there from a run that was interrupted, too. */
static bool erase_there(struct mirror *m, struct vdm_digest id, struct vdm_err *err)
{
    bool there;
    if (!vdm_store_holds(m->store, id, &there, err))
        return false;
    m->done->erased += there;
    /* Also where there is none: a bad copy that was set aside goes, too. */
    return vdm_store_erase(m->store, id, VDM_SIZE_UNKNOWN, err);
}

static bool erase_documents(struct mirror *m, struct vdm_err *err)
{
    for (size_t i = 0; i < m->gone.n; i++)
        if (vdm_gone_erases(&m->gone, &m->gone.list[i]) &&
            !erase_there(m, m->gone.list[i].digest, err))
            return false;
    return true;
}

/* --- the ledger --- */

static bool check_ledger(struct mirror *m, struct vdm_archive *copy, struct vdm_err *err)
{
    struct vdm_audit_run *r = &m->run;
    *r = (struct vdm_audit_run){.a = copy, .progress = m->progress, .done = &m->checked};
    if (!vdm_audit_begin(r, err) || !vdm_audit_open(r, err) || !vdm_audit_ledger(r, err))
        return false;
    m->done->size = r->size;
    uint64_t bad = vdm_report_findings(r->report);
    return bad == 0 ||
           vdm_fail(err,
                    "the ledger is not as it was signed (%llu findings, the first: %s): the "
                    "mirror's is kept as it is. Run `vidimus audit`",
                    (unsigned long long)bad, r->report->findings.list[0].message);
}

/* The copy of the ledger is there, aside. It counts once all that it names was looked at. */
static bool accept(void *ctx, const char *aside, struct vdm_err *err)
{
    struct mirror *m = ctx;
    struct vdm_archive copy = {.crypto = m->a->crypto, .keys = m->a->keys};
    bool found;
    memcpy(copy.origin, m->a->origin, sizeof copy.origin);
    if (!vdm_ledger_open(&copy.ledger, aside, VDM_LEDGER_READ, err))
        return false;
    m->gone.old = m->old;
    bool ok = check_ledger(m, &copy, err) && vdm_gone_read(&m->gone, &m->run, err) &&
              take_all(m, copy.ledger, err) && erase_records(m, aside, err) &&
              erase_documents(m, err) &&
              vdm_ledger_checkpoint(copy.ledger, m->done->size, &m->checkpoint, &found, err) &&
              vdm_store_sync(m->store, err);
    vdm_ledger_close(copy.ledger);
    vdm_ledger_close(m->old);
    m->old = m->gone.old = NULL;
    return ok;
}

/* Derived, so it is made there and not copied; what was withdrawn must not stay in it. */
static bool make_catalog(struct mirror *m, struct vdm_err *err)
{
    struct vdm_archive *there VDM_CLEANUP(vdm_archive_cleanup) = NULL;
    if (!vdm_archive_open(&there, m->a->crypto, m->folder, VDM_ARCHIVE_WRITE, err) ||
        !vdm_ledger_lock(there->ledger, LOCK_SECONDS, NULL, err))
        return false;
    bool ok = (m->run.withdrawns == 0 || vdm_archive_empty_catalog(there, err)) &&
              vdm_archive_catch_up(there, m->done->size, m->progress, err);
    vdm_ledger_unlock(there->ledger);
    return ok;
}

/* Before the ledger is exchanged: a link or the like where the catalog belongs would end the run after
 * that, each time again. The catalog is derived, so all of it may go. */
static bool clear_catalog_way(struct mirror *m, struct vdm_err *err)
{
    static const char *const names[] = {"catalog.db", "catalog.db-journal", "catalog.db-wal",
                                        "catalog.db-shm"};
    int store VDM_CLEANUP(vdm_fd_close) = -1;
    struct stat st;
    bool clear = true;
    if (!vdm_dir_open(AT_FDCWD, m->store_path, &store, err))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (fstatat(store, names[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
            clear = clear && S_ISREG(st.st_mode);
    return clear || vdm_catalog_remove(m->store_path, err);
}

static bool run(struct mirror *m, struct vdm_err *err)
{
    return vdm_mirror_place(m->a, m->folder, err) && check_guard(m, err) &&
           vdm_mirror_fits(m->folder, err) && open_folder(m, err) && open_old(m, err) &&
           clear_catalog_way(m, err) &&
           vdm_ledger_copy(m->a->ledger, m->store_path, accept, m, err) &&
           vdm_guard_replace(m->keys, vdm_buf_bytes(&m->checkpoint), err) &&
           vdm_mirror_each_name(m->a->keys, ".pub", copy_public, m, err) && make_catalog(m, err);
}

bool vdm_mirror(struct vdm_archive *a, const char *folder, bool all,
                const struct vdm_progress *progress, struct vdm_mirror_done *done,
                struct vdm_err *err)
{
    struct mirror m = {.a = a,
                       .progress = progress,
                       .done = done,
                       .all = all,
                       .folder = folder,
                       .keys = -1,
                       .lock = -1};
    *done = (struct vdm_mirror_done){0};
    vdm_report_init(&done->report);
    bool ok = run(&m, err) || vdm_err_prefix(err, "mirror");
    vdm_audit_end(&m.run);
    vdm_audit_done_release(&m.checked);
    vdm_gone_release(&m.gone);
    vdm_buf_release(&m.checkpoint);
    vdm_ledger_close(m.old);
    vdm_store_close(m.store);
    vdm_fd_close(&m.lock);
    vdm_fd_close(&m.keys);
    free(m.store_path);
    if (ok && done->report.no_memory)
        return vdm_fail_memory(err);
    return ok;
}
