/* SPDX-License-Identifier: MIT */
#include "ops/init.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/text.h"
#include "keys/mark.h"
#include "keys/pub.h"
#include "ops/writer.h"
#include "store/store_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOFTWARE "vidimus " VDM_VERSION

struct making {
    struct vdm_crypto *crypto;
    const struct vdm_init_request *r;
    int keys;
    char *keys_path, *store_path;
    struct vdm_signer *authority, *ledger, *signer;
    gid_t gid;                /* of r->group */
    struct vdm_buf continues; /* the older ledger's checkpoint, a note; empty: none */
};

/* --- is the place free? --- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), k = strlen(end);
    return n >= k && strcmp(name + n - k, end) == 0;
}

static bool check_keys_free(struct making *m, struct vdm_err *err)
{
    DIR *dir = opendir(m->keys_path);
    bool taken = false;
    if (!dir)
        return errno == ENOENT || vdm_fail_errno(err, "%s", m->keys_path);
    for (struct dirent *e; !taken && (e = readdir(dir));)
        taken = ends_with(e->d_name, ".key") || ends_with(e->d_name, ".pub") ||
                strcmp(e->d_name, "last-checkpoint") == 0;
    closedir(dir);
    return !taken ||
           vdm_fail_as(err, VDM_ERR_REFUSED,
                       "%s holds keys already: nothing was changed. (Keys without a ledger "
                       "are what an interrupted `init` leaves; remove them to start again)",
                       m->keys_path);
}

/* A ledger that is there: an archive, or what an interrupted `init` left. Always false. */
static bool refuse(struct making *m, struct vdm_ledger *l, struct vdm_err *err)
{
    int keys VDM_CLEANUP(vdm_fd_close) = -1;
    uint64_t size;
    if (l && vdm_ledger_size(l, &size, NULL) && size == 0 &&
        vdm_dir_open(AT_FDCWD, m->keys_path, &keys, err)) {
        vdm_archive_fail_empty(keys, err);
        return vdm_err_prefix(err, "%s", m->r->path);
    }
    return vdm_fail_as(err, VDM_ERR_REFUSED, "%s holds an archive already: nothing was changed",
                       m->r->path);
}

static bool check_free(struct making *m, struct vdm_err *err)
{
    struct vdm_ledger *ledger VDM_CLEANUP(vdm_ledger_cleanup) = NULL;
    struct vdm_err why = {0};
    if (vdm_ledger_open(&ledger, m->store_path, VDM_LEDGER_READ, &why))
        return refuse(m, ledger, err);
    if (why.kind == VDM_ERR_NOT_FOUND)
        return check_keys_free(m, err);
    if (why.kind == VDM_ERR_RECOVER)
        return vdm_fail_as(err, VDM_ERR_REFUSED,
                           "%s holds an archive in which a write was interrupted: run `vidimus "
                           "recover` there",
                           m->r->path);
    return refuse(m, NULL, err);
}

/* --- the ledger that it goes on from --- */

/* Only its form is checked: whose it is, and what it covers, is for those who hold the old keys. */
static bool read_continues(struct making *m, struct vdm_checkpoint *out, struct vdm_err *err)
{
    struct vdm_note note;
    const char *file = m->r->continues;
    vdm_buf_clear(&m->continues);
    if (!vdm_file_read(AT_FDCWD, file, VDM_NOTE_MAX, &m->continues, err) ||
        !vdm_checkpoint_open(vdm_buf_bytes(&m->continues), &note, out, err))
        return vdm_err_prefix(err, "--continues %s", file);
    if (!vdm_origin_valid(out->origin) || out->size == 0)
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "--continues %s: not a checkpoint of a ledger of ours", file);
    return !vdm_bytes_equal_str(out->origin, m->r->origin) ||
           vdm_fail_as(err, VDM_ERR_USAGE,
                       "--continues: the new ledger needs another name than the old one, %s",
                       m->r->origin);
}

static bool check_continues(struct making *m, struct vdm_err *err)
{
    struct vdm_checkpoint ignored;
    return !m->r->continues || read_continues(m, &ignored, err);
}

/* --- keys --- */

static bool make_folders(struct making *m, struct vdm_err *err)
{
    return vdm_dir_make(AT_FDCWD, m->r->path, 0777, false, err) &&
           vdm_dir_make(AT_FDCWD, m->keys_path, 0755, false, err) &&
           vdm_dir_open(AT_FDCWD, m->keys_path, &m->keys, err) &&
           vdm_dir_make(AT_FDCWD, m->store_path, 0700, false, err) &&
           (!m->r->group || (vdm_dir_give(AT_FDCWD, m->keys_path, m->gid, 02775, err) &&
                             vdm_dir_give(AT_FDCWD, m->store_path, m->gid, 02770, err)));
}

static bool find_group(struct making *m, struct vdm_err *err)
{
    uint64_t number;
    const struct group *g = m->r->group ? getgrnam(m->r->group) : NULL;
    if (!m->r->group)
        return true;
    if (!g && (!vdm_number_decode(vdm_str(m->r->group), &number) || number > UINT32_MAX - 1))
        return vdm_fail_as(err, VDM_ERR_USAGE, "--group: there is no group %s", m->r->group);
    m->gid = g ? g->gr_gid : (gid_t)number;
    return true;
}

static bool save_key(struct making *m, const struct vdm_signer *s, const char *base,
                     struct vdm_err *err)
{
    char file[320];
    snprintf(file, sizeof file, "%s.key", base);
    if (!vdm_signer_save(s, m->keys, file, m->r->lock, err))
        return vdm_err_prefix(err, "keys/%s", file);
    snprintf(file, sizeof file, "%s.pub", base);
    return vdm_pub_write(m->keys, file, vdm_signer_vkey(s), err) ||
           vdm_err_prefix(err, "keys/%s", file);
}

static bool check_names(const struct vdm_init_request *r, struct vdm_err *err)
{
    struct vdm_bytes origin = vdm_str(r->origin);
    if (!vdm_origin_valid(origin) || origin.n > VDM_NAME_MAX - strlen("/authority"))
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "--origin: 1 to 54 of A-Z a-z 0-9 . _ @ / -, like "
                           "archive.example.org/statements: %s",
                           r->origin);
    if (!vdm_name_valid(vdm_str(r->signer)) || strcmp(r->signer, r->origin) == 0)
        return vdm_fail_as(
            err, VDM_ERR_USAGE,
            "--signer: 1 to 64 of A-Z a-z 0-9 . _ @ / -, like amal@archive.example.org, "
            "and not the origin itself: %s",
            r->signer);
    return true;
}

static bool make_keys(struct making *m, struct vdm_init_done *out, struct vdm_err *err)
{
    char authority[VDM_NAME_MAX + 1];
    snprintf(authority, sizeof authority, "%s/authority", m->r->origin);
    if (!vdm_signer_generate(&m->authority, m->crypto, vdm_str(authority), err) ||
        !vdm_signer_generate(&m->ledger, m->crypto, vdm_str(m->r->origin), err) ||
        !vdm_signer_generate(&m->signer, m->crypto, vdm_str(m->r->signer), err))
        return false;
    out->authority = *vdm_signer_vkey(m->authority);
    out->ledger = *vdm_signer_vkey(m->ledger);
    out->signer = *vdm_signer_vkey(m->signer);
    char base[VDM_KEY_FILE_BASE_MAX + 1];
    vdm_key_file_base(&out->signer, false, base);
    bool clash = strcmp(base, "authority") == 0 || strcmp(base, "ledger") == 0;
    vdm_key_file_base(&out->signer, clash, base);
    snprintf(out->signer_file, sizeof out->signer_file, "%s", base);
    return save_key(m, m->authority, "authority", err) && save_key(m, m->ledger, "ledger", err) &&
           (!m->r->group || vdm_signer_share(m->keys, "ledger.key", err)) &&
           save_key(m, m->signer, base, err);
}

/* --- ledger --- */

static bool append_first(struct making *m, struct vdm_writer *w, struct vdm_err *err)
{
    struct vdm_time now = vdm_time_now();
    struct vdm_entry genesis = {.kind = VDM_ENTRY_GENESIS, .recorded = now};
    genesis.genesis = (struct vdm_genesis){.authority = *vdm_signer_vkey(m->authority),
                                           .ledger_key = *vdm_signer_vkey(m->ledger),
                                           .software = VDM_LIT(SOFTWARE)};
    struct vdm_checkpoint old;
    if (m->r->continues) {
        if (!read_continues(m, &old, err))
            return false;
        genesis.genesis.continues = old.origin;
        genesis.genesis.continues_size = old.size;
        genesis.genesis.continues_root = old.root;
    }
    struct vdm_entry authorize = {.kind = VDM_ENTRY_KEY, .recorded = now};
    authorize.key = (struct vdm_key_event){
        .action = VDM_KEY_AUTHORIZE, .role = VDM_ROLE_SIGNER, .key = *vdm_signer_vkey(m->signer)};
    return vdm_writer_append(w, &genesis, m->authority, (struct vdm_bytes){0}, err) &&
           vdm_writer_append(w, &authorize, m->authority, (struct vdm_bytes){0}, err);
}

static bool make_ledger(struct making *m, struct vdm_init_done *out, struct vdm_err *err)
{
    struct vdm_archive *a VDM_CLEANUP(vdm_archive_cleanup) = NULL;
    struct vdm_writer *w VDM_CLEANUP(vdm_writer_cleanup) = NULL;
    if (!vdm_store_create_folder(m->store_path, true, err) ||
        !vdm_ledger_create(m->store_path, 0, err) ||
        !vdm_archive_open(&a, m->crypto, m->r->path, VDM_ARCHIVE_WRITE, err) ||
        !vdm_writer_open(&w, a, m->ledger, err) || !vdm_writer_begin(w, err) ||
        !append_first(m, w, err) || !vdm_writer_commit(w, err) ||
        !vdm_fd_sync_filesystem(a->keys, err))
        return false;
    vdm_buf_put(&out->checkpoint, vdm_writer_checkpoint(w));
    return vdm_buf_ok(&out->checkpoint, err);
}

/* --- undoing --- */

static void remove_from(const char *folder, const char *const *names)
{
    char path[4200];
    for (; *names; names++)
        if (snprintf(path, sizeof path, "%s/%s", folder, *names) < (int)sizeof path)
            remove(path); /* a file, or a folder that is empty */
}

static void undo(struct making *m, const struct vdm_init_done *out)
{
    static const char *const in_store[] = {"ledger.db",  "ledger.db-journal",
                                           "catalog.db", "catalog.db-journal",
                                           "objects",    "packs",
                                           "tmp",        NULL};
    char key[320], pub[320];
    snprintf(key, sizeof key, "%s.key", out->signer_file);
    snprintf(pub, sizeof pub, "%s.pub", out->signer_file);
    const char *const in_keys[] = {"authority.key",
                                   "authority.pub",
                                   "ledger.key",
                                   "ledger.pub",
                                   "last-checkpoint",
                                   VDM_MARK_FILE,
                                   key,
                                   pub,
                                   NULL};
    remove_from(m->store_path, in_store);
    remove_from(m->keys_path, in_keys);
    rmdir(m->store_path);
    rmdir(m->keys_path);
    rmdir(m->r->path);
}

static bool check(struct making *m, struct vdm_err *err)
{
    if (asprintf(&m->keys_path, "%s/keys", m->r->path) < 0 ||
        asprintf(&m->store_path, "%s/store", m->r->path) < 0)
        return vdm_fail_memory(err);
    return check_names(m->r, err) && find_group(m, err) && check_continues(m, err) &&
           check_free(m, err);
}

static bool make(struct making *m, struct vdm_init_done *out, struct vdm_err *err)
{
    if (!check(m, err))
        return false;
    if (make_folders(m, err) && make_keys(m, out, err) && make_ledger(m, out, err))
        return true;
    undo(m, out);
    return false;
}

static void release(struct making *m)
{
    vdm_signer_close(m->authority);
    vdm_signer_close(m->ledger);
    vdm_signer_close(m->signer);
    vdm_fd_close(&m->keys);
    free(m->keys_path);
    free(m->store_path);
    vdm_buf_release(&m->continues);
}

bool vdm_init_check(const struct vdm_init_request *r, struct vdm_err *err)
{
    struct making m = {.r = r, .keys = -1};
    bool ok = check(&m, err);
    release(&m);
    return ok || vdm_err_prefix(err, "init");
}

bool vdm_init(struct vdm_crypto *c, const struct vdm_init_request *r, struct vdm_init_done *out,
              struct vdm_err *err)
{
    struct making m = {.crypto = c, .r = r, .keys = -1};
    *out = (struct vdm_init_done){0};
    bool ok = make(&m, out, err);
    release(&m);
    return ok || vdm_err_prefix(err, "init");
}
