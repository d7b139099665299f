/* SPDX-License-Identifier: MIT */
#include "base/file.h"
#include "format/seal.h"
#include "ops/bundle_make.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void vdm_bundle_made_release(struct vdm_bundle_made *m)
{
    vdm_buf_release(&m->checkpoint);
}

static bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

void vdm_bundle_folder(const char *output, char *out)
{
    static const char *const endings[] = {".tar", ".tar.gz", ".tgz", ".tar.zst"};
    const char *slash = strrchr(output, '/');
    const char *base = slash ? slash + 1 : output;
    size_t n = strlen(base), length = 0;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (n >= ending && strcmp(base + n - ending, endings[i]) == 0) {
            n -= ending;
            break;
        }
    }
    for (size_t i = 0; i < n && length < VDM_TAR_FOLDER_MAX; i++) {
        bool plain = is_letter_or_digit(base[i]);
        if (length > 0 || plain)
            out[length++] = plain || strchr("._-", base[i]) ? base[i] : '_';
    }
    out[length] = 0;
    if (length == 0)
        memcpy(out, "bundle", sizeof "bundle");
}

/* --- before the first pass --- */

static void release(struct vdm_bundle_job *j)
{
    struct vdm_buf *bufs[] = {&j->checkpoint, &j->keys_named, &j->entry, &j->line};
    for (size_t i = 0; i < sizeof bufs / sizeof *bufs; i++)
        vdm_buf_release(bufs[i]);
    struct vdm_spool *spools[] = {&j->selection, &j->index, &j->files, &j->tags, &j->members};
    for (size_t i = 0; i < sizeof spools / sizeof *spools; i++)
        vdm_spool_release(spools[i]);
    vdm_selected_release(&j->selected);
    vdm_hash_close(j->hash);
    vdm_entry_check_release(&j->keys);
    vdm_report_release(&j->report);
}

/* The checkpoint and the keys that vouch for it. */
static bool read_head(struct vdm_bundle_job *j, struct vdm_err *err)
{
    struct vdm_archive *a = j->a;
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_note note;
    struct vdm_entry newest;
    if (!vdm_archive_head(a, &j->checkpoint, &j->head, err) ||
        !vdm_archive_keyring(a, j->head.size, &j->keys, err) ||
        !vdm_checkpoint_open(vdm_buf_bytes(&j->checkpoint), &note, &j->head, err))
        return false;
    if (!vdm_bytes_equal_str(j->head.origin, a->origin))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "the newest checkpoint is of another ledger");
    if (!vdm_check_checkpoint_signature(&j->keys, &note, j->head.size, NULL))
        return vdm_fail_as(err, VDM_ERR_MALFORMED,
                           "the newest checkpoint is not signed by the ledger key in force; run "
                           "`vidimus verify`");
    if (!vdm_archive_entry(a, j->head.size - 1, &bytes, &note, &newest, err))
        return false;
    j->as_of = newest.recorded;
    return true;
}

/* Asked before anything is written: a seal by somebody else would only be found at the reader's. */
static bool check_sealer(struct vdm_bundle_job *j, struct vdm_err *err)
{
    if (!j->sealer)
        return true;
    const struct vdm_vkey *key = vdm_signer_vkey(j->sealer);
    const struct vdm_key_range *r = vdm_keyring_find(&j->keys.keyring, vdm_str(key->name), key->id);
    if (!r || !vdm_vkey_equal(&r->key, key))
        return vdm_fail_as(err, VDM_ERR_USAGE, "%s cannot seal: the ledger does not know its key",
                           key->name);
    if (r->role != VDM_ROLE_SIGNER)
        return vdm_fail_as(err, VDM_ERR_USAGE, "%s cannot seal: its key is for the role %s",
                           key->name, vdm_role_name(r->role));
    if (!vdm_key_range_covers(r, j->head.size))
        return vdm_fail_as(err, VDM_ERR_USAGE, "%s cannot seal: its key was %s by entry %" PRIu64,
                           key->name, r->ended_by == VDM_KEY_REVOKE ? "revoked" : "retired",
                           r->ended_at);
    return true;
}

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct vdm_pubkey));
}

static void name_key(struct vdm_bundle_job *j, const struct vdm_vkey *key)
{
    vdm_buf_put(&j->keys_named, (struct vdm_bytes){key->key.b, sizeof key->key});
}

/* Every key that a genesis or key entry names, with effect or without: sorted, each once. */
static bool collect_keys(struct vdm_bundle_job *j, struct vdm_err *err)
{
    struct vdm_note note;
    struct vdm_entry e;
    for (size_t i = 0; i < j->keys.key_entries; i++) {
        if (!vdm_archive_entry(j->a, j->keys.key_entry[i].n, &j->entry, &note, &e, err))
            return false;
        if (e.kind == VDM_ENTRY_GENESIS) {
            name_key(j, &e.genesis.authority);
            name_key(j, &e.genesis.ledger_key);
        } else if (e.kind == VDM_ENTRY_KEY) {
            name_key(j, &e.key.key);
        }
    }
    if (!vdm_buf_ok(&j->keys_named, err))
        return false;
    uint8_t *p = j->keys_named.p;
    size_t width = sizeof(struct vdm_pubkey), count = j->keys_named.n / width, kept = 0;
    qsort(p, count, width, compare_keys);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || memcmp(p + (kept - 1) * width, p + i * width, width) != 0)
            memmove(p + kept++ * width, p + i * width, width);
    j->keys_named.n = kept * width;
    return true;
}

static bool write_selection(struct vdm_bundle_job *j, struct vdm_err *err)
{
    for (size_t i = 0; i < j->selected.count; i++) {
        vdm_buf_clear(&j->line);
        vdm_selection_append(&j->line, j->selected.n[i]);
        if (!vdm_buf_ok(&j->line, err) ||
            !vdm_spool_put(&j->selection, vdm_buf_bytes(&j->line), err))
            return false;
    }
    return vdm_spool_end(&j->selection, err);
}

static bool prepare(struct vdm_bundle_job *j, int dir, struct vdm_err *err)
{
    struct vdm_archive *a = j->a;
    if (!read_head(j, err) || !check_sealer(j, err) || !collect_keys(j, err) ||
        !vdm_bundle_select(a, j->r, j->head.size, j->progress, &j->selected, err) ||
        !vdm_bundle_choose(j->r, &j->selected, err))
        return false;
    struct vdm_spool *spools[] = {&j->selection, &j->index, &j->files, &j->tags, &j->members};
    for (size_t i = 0; i < sizeof spools / sizeof *spools; i++)
        if (!vdm_spool_open(spools[i], a->crypto, dir, err))
            return false;
    return vdm_hash_open(&j->hash, a->crypto, err) && write_selection(j, err);
}

static bool first_pass(struct vdm_bundle_job *j, struct vdm_err *err)
{
    struct vdm_buf head VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_bundle_index_head(j, &head);
    return vdm_buf_ok(&head, err) && vdm_spool_put(&j->index, vdm_buf_bytes(&head), err) &&
           vdm_bundle_make_members(j, err) && vdm_spool_end(&j->index, err) &&
           vdm_spool_end(&j->files, err) && vdm_spool_end(&j->tags, err) &&
           vdm_spool_end(&j->members, err);
}

/* --- between the passes: the members that stand before the entries --- */

struct front {
    struct vdm_buf bag_info, manifest_head, tagmanifest_head, seal, verify_text;
};

static void release_front(struct front *f)
{
    vdm_buf_release(&f->bag_info);
    vdm_buf_release(&f->manifest_head);
    vdm_buf_release(&f->tagmanifest_head);
    vdm_buf_release(&f->seal);
    vdm_buf_release(&f->verify_text);
}

static bool put_line(struct vdm_buf *out, const struct vdm_layout_member *m,
                     struct vdm_digest digest, struct vdm_err *err)
{
    char path[VDM_LAYOUT_PATH_MAX + 1];
    if (!vdm_layout_encode(m, path, err))
        return false;
    vdm_manifest_append(out, digest, path);
    return vdm_buf_ok(out, err);
}

static bool hash_piece(void *ctx, struct vdm_bytes data, struct vdm_err *err)
{
    (void)err;
    vdm_hash_update(ctx, data);
    return true;
}

/* The digest of a manifest: its first lines, then those that were spooled. */
static bool digest_of(struct vdm_bundle_job *j, const struct vdm_buf *head,
                      const struct vdm_spool *rest, struct vdm_digest *out, struct vdm_err *err)
{
    vdm_hash_update(j->hash, vdm_buf_bytes(head));
    if (!vdm_spool_copy(rest, hash_piece, j->hash, err))
        return false;
    *out = vdm_hash_end(j->hash);
    return true;
}

static bool make_bag_info(struct vdm_bundle_job *j, struct front *f, struct vdm_err *err)
{
    struct vdm_bag_info info = {.payload_bytes = j->index.bytes + j->document_bytes,
                                .payload_files = 1 + j->documents};
    memcpy(info.origin, j->a->origin, sizeof info.origin);
    vdm_bag_date(j->r->created, info.date);
    size_t n = strlen(j->r->agent);
    if (n >= sizeof info.agent)
        return vdm_fail_as(err, VDM_ERR_USAGE, "the name of the software is too long");
    memcpy(info.agent, j->r->agent, n + 1);
    return vdm_bag_info_encode(&info, &f->bag_info, err);
}

static void pem_line(struct vdm_bundle_job *j, size_t i, struct vdm_layout_member *m,
                     uint8_t pem[VDM_KEY_PEM_BYTES])
{
    *m = (struct vdm_layout_member){.kind = VDM_LAYOUT_KEY};
    memcpy(&m->key, j->keys_named.p + i * sizeof m->key, sizeof m->key);
    vdm_key_pem_encode(&m->key, pem);
}

static bool make_tagmanifest_head(struct vdm_bundle_job *j, struct front *f,
                                  struct vdm_digest manifest, struct vdm_err *err)
{
    struct vdm_crypto *c = j->a->crypto;
    const struct {
        enum vdm_layout_kind kind;
        struct vdm_digest digest;
    } fixed[] = {
        {VDM_LAYOUT_BAGIT, vdm_sha256(c, VDM_LIT(VDM_BAGIT_TEXT))},
        {VDM_LAYOUT_BAG_INFO, vdm_sha256(c, vdm_buf_bytes(&f->bag_info))},
        {VDM_LAYOUT_MANIFEST, manifest},
        {VDM_LAYOUT_CHECKPOINT, vdm_sha256(c, vdm_buf_bytes(&j->checkpoint))},
        {VDM_LAYOUT_SELECTION, j->selection.digest},
        {VDM_LAYOUT_VERIFY, vdm_sha256(c, vdm_buf_bytes(&f->verify_text))},
    };
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (!put_line(&f->tagmanifest_head, &(struct vdm_layout_member){.kind = fixed[i].kind},
                      fixed[i].digest, err))
            return false;
    for (size_t i = 0; i < j->keys_named.n / sizeof(struct vdm_pubkey); i++) {
        uint8_t pem[VDM_KEY_PEM_BYTES];
        struct vdm_layout_member m;
        pem_line(j, i, &m, pem);
        if (!put_line(&f->tagmanifest_head, &m, vdm_sha256(c, (struct vdm_bytes){pem, sizeof pem}),
                      err))
            return false;
    }
    return true;
}

static bool make_seal(struct vdm_bundle_job *j, struct front *f, struct vdm_digest tagmanifest,
                      struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_seal seal = {.ledger = j->head.origin,
                            .created = j->r->created,
                            .size = j->head.size,
                            .root = j->head.root,
                            .selection = j->selection.digest,
                            .tagmanifest = tagmanifest};
    if (!j->sealer)
        return true;
    vdm_seal_append(&text, &seal);
    return vdm_buf_ok(&text, err) &&
           vdm_signer_append_note(j->sealer, vdm_buf_bytes(&text), &f->seal, err);
}

static bool make_front(struct vdm_bundle_job *j, struct front *f, struct vdm_err *err)
{
    struct vdm_digest manifest, tagmanifest;
    vdm_bundle_verify_text(j, &f->verify_text);
    return vdm_buf_ok(&f->verify_text, err) && make_bag_info(j, f, err) &&
           put_line(&f->manifest_head, &(struct vdm_layout_member){.kind = VDM_LAYOUT_INDEX},
                    j->index.digest, err) &&
           digest_of(j, &f->manifest_head, &j->files, &manifest, err) &&
           make_tagmanifest_head(j, f, manifest, err) &&
           digest_of(j, &f->tagmanifest_head, &j->tags, &tagmanifest, err) &&
           make_seal(j, f, tagmanifest, err);
}

/* --- the second pass --- */

static bool write_piece(void *ctx, struct vdm_bytes data, struct vdm_err *err)
{
    return vdm_tar_writer_write(ctx, data, err);
}

/* A member of a fixed name: `head`, then what was spooled (NULL: nothing). */
static bool write_member(struct vdm_tar_writer *tar, enum vdm_layout_kind kind,
                         struct vdm_bytes head, const struct vdm_spool *rest, struct vdm_err *err)
{
    char path[VDM_LAYOUT_PATH_MAX + 1];
    return vdm_layout_encode(&(struct vdm_layout_member){.kind = kind}, path, err) &&
           vdm_tar_writer_begin(tar, path, head.n + (rest ? rest->bytes : 0), err) &&
           vdm_tar_writer_write(tar, head, err) &&
           (!rest || vdm_spool_copy(rest, write_piece, tar, err)) && vdm_tar_writer_end(tar, err);
}

static bool write_keys(struct vdm_bundle_job *j, struct vdm_tar_writer *tar, struct vdm_err *err)
{
    for (size_t i = 0; i < j->keys_named.n / sizeof(struct vdm_pubkey); i++) {
        uint8_t pem[VDM_KEY_PEM_BYTES];
        struct vdm_layout_member m;
        char path[VDM_LAYOUT_PATH_MAX + 1];
        pem_line(j, i, &m, pem);
        if (!vdm_layout_encode(&m, path, err) ||
            !vdm_tar_writer_add(tar, path, (struct vdm_bytes){pem, sizeof pem}, err))
            return false;
    }
    return true;
}

static bool write_front(struct vdm_bundle_job *j, const struct front *f, struct vdm_tar_writer *tar,
                        struct vdm_err *err)
{
    const struct vdm_bytes none = {0};
    return write_member(tar, VDM_LAYOUT_BAGIT, VDM_LIT(VDM_BAGIT_TEXT), NULL, err) &&
           write_member(tar, VDM_LAYOUT_BAG_INFO, vdm_buf_bytes(&f->bag_info), NULL, err) &&
           write_member(tar, VDM_LAYOUT_MANIFEST, vdm_buf_bytes(&f->manifest_head), &j->files,
                        err) &&
           write_member(tar, VDM_LAYOUT_TAGMANIFEST, vdm_buf_bytes(&f->tagmanifest_head), &j->tags,
                        err) &&
           (!j->sealer || write_member(tar, VDM_LAYOUT_SEAL, vdm_buf_bytes(&f->seal), NULL, err)) &&
           write_member(tar, VDM_LAYOUT_CHECKPOINT, vdm_buf_bytes(&j->checkpoint), NULL, err) &&
           write_member(tar, VDM_LAYOUT_SELECTION, none, &j->selection, err) &&
           write_member(tar, VDM_LAYOUT_VERIFY, vdm_buf_bytes(&f->verify_text), NULL, err) &&
           write_keys(j, tar, err) && write_member(tar, VDM_LAYOUT_INDEX, none, &j->index, err);
}

/* What somebody has withdrawn meanwhile does not go out any more. */
static bool check_none_withdrawn(struct vdm_bundle_job *j, struct vdm_err *err)
{
    uint64_t n, size;
    bool found;
    if (!vdm_ledger_size(j->a->ledger, &size, err) ||
        !vdm_ledger_next(j->a->ledger, VDM_LIT("vidimus/withdrawal/"), j->head.size, size, &n,
                         &found, err))
        return false;
    return !found ||
           vdm_fail(err, "something was withdrawn while the bundle was written: try again");
}

static bool write_tar(struct vdm_bundle_job *j, const struct front *f, int fd,
                      enum vdm_stream_form form, const char *folder, struct vdm_err *err)
{
    struct vdm_stream_writer *stream VDM_CLEANUP(vdm_stream_writer_cleanup) = NULL;
    struct vdm_tar_writer tar;
    if (!vdm_stream_writer_open(&stream, fd, form, 0, err) ||
        !vdm_tar_writer_init(&tar, stream, folder, (uint64_t)j->as_of.seconds, err))
        return false;
    return write_front(j, f, &tar, err) && vdm_bundle_write_members(j, &tar, err) &&
           check_none_withdrawn(j, err) && vdm_tar_writer_finish(&tar, err) &&
           vdm_stream_writer_finish(stream, err);
}

/* Long work should not end in "there is one already"; publishing asks again. */
static bool check_name_is_free(const struct vdm_bundle_request *r, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    return r->replace || !vdm_file_open(AT_FDCWD, r->output, true, &fd, NULL) ||
           vdm_fail(err, "%s is there already", r->output);
}

static bool size_of(int fd, uint64_t *bytes, struct vdm_err *err)
{
    off_t end = lseek(fd, 0, SEEK_CUR);
    if (end < 0)
        return vdm_fail_errno(err, "seek");
    *bytes = (uint64_t)end;
    return true;
}

static void report_made(struct vdm_bundle_job *j, uint64_t bytes, struct vdm_bundle_made *made)
{
    made->captures = j->selected.count;
    made->withdrawn = j->withdrawn;
    made->partly = j->partly;
    made->doubted = j->doubted;
    made->documents = j->documents;
    made->document_bytes = j->document_bytes;
    made->bytes = bytes;
    made->sealed = j->sealer != NULL;
    made->size = j->head.size;
    made->root = j->head.root;
    made->as_of = j->as_of;
    vdm_bundle_folder(j->r->output, made->folder);
    vdm_buf_release(&made->checkpoint);
    made->checkpoint = j->checkpoint; /* handed over */
    j->checkpoint = (struct vdm_buf){0};
}

static bool run(struct vdm_bundle_job *j, enum vdm_stream_form form, struct vdm_bundle_made *made,
                struct vdm_err *err)
{
    struct front front VDM_CLEANUP(release_front) = {0};
    struct vdm_new_file file VDM_CLEANUP(vdm_new_file_discard) = {.dir = -1, .fd = -1};
    char folder[VDM_TAR_FOLDER_MAX + 1];
    uint64_t bytes;
    vdm_bundle_folder(j->r->output, folder);
    if (!check_name_is_free(j->r, err) ||
        !vdm_new_file_open(&file, AT_FDCWD, j->r->output, 0666, err) ||
        !prepare(j, file.dir, err) || !first_pass(j, err) || !make_front(j, &front, err) ||
        !write_tar(j, &front, file.fd, form, folder, err) || !size_of(file.fd, &bytes, err) ||
        !vdm_new_file_publish(&file, j->r->replace, err))
        return false;
    report_made(j, bytes, made);
    return true;
}

static bool write_once(struct vdm_archive *a, const struct vdm_bundle_request *r,
                       const struct vdm_signer *sealer, const struct vdm_progress *progress,
                       struct vdm_bundle_made *made, struct vdm_err *err)
{
    enum vdm_stream_form form;
    if (!vdm_stream_form_of_name(r->output, &form, err))
        return false;
    struct vdm_bundle_job job = {.a = a, .r = r, .sealer = sealer, .progress = progress};
    vdm_report_init(&job.report);
    vdm_entry_check_init(&job.keys, a->crypto, &job.report);
    bool ok = run(&job, form, made, err);
    release(&job);
    return ok;
}

/* What a withdrawal has erased meanwhile looks like damage. The archive as it is then has it no more. */
bool vdm_bundle_write(struct vdm_archive *a, const struct vdm_bundle_request *r,
                      const struct vdm_signer *sealer, const struct vdm_progress *progress,
                      struct vdm_bundle_made *made, struct vdm_err *err)
{
    enum { TRIES = 5 };
    uint64_t before, after;
    for (int i = 1;; i++) {
        struct vdm_err why = {0};
        if (!vdm_ledger_size(a->ledger, &before, err))
            return false;
        if (write_once(a, r, sealer, progress, made, &why))
            return true;
        if (why.kind == VDM_ERR_INTERRUPTED || !vdm_ledger_size(a->ledger, &after, NULL) ||
            after == before)
            return vdm_fail_as(err, why.kind, "%s", why.text);
        if (i == TRIES)
            return vdm_fail(err,
                            "others kept writing to the archive while the bundle was made: try "
                            "again when they are done (%s)",
                            why.text);
    }
}
