/* SPDX-License-Identifier: MIT */
#include "ops/request.h"

#include "base/text.h"
#include "ops/recover.h"
#include "ops/withdraw.h"
#include "ops/writer.h"

#include <string.h>

/* Where the next entry goes: what its head must say. */
struct place {
    uint64_t n, keyring;
    struct vdm_digest previous;
    struct vdm_digest root;
};

static bool find_place(struct vdm_archive *a, struct place *out, struct vdm_err *err)
{
    struct vdm_buf head VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf bytes VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_checkpoint checkpoint;
    struct vdm_note note;
    struct vdm_entry last;
    if (!vdm_archive_head(a, &head, &checkpoint, err) ||
        !vdm_archive_entry(a, checkpoint.size - 1, &bytes, &note, &last, err))
        return false;
    out->n = checkpoint.size;
    out->root = checkpoint.root;
    out->previous = vdm_sha256(a->crypto, note.text);
    out->keyring = vdm_entry_is_key_entry(&last) ? last.n : last.keyring;
    return true;
}

static void put_effects(struct vdm_bytes lines, struct vdm_buf *out)
{
    struct vdm_bytes line;
    while (vdm_cut_line(&lines, &line)) {
        while (line.n && line.p[0] == ' ') /* indented for the terminal */
            line = vdm_bytes_skip(line, 1);
        vdm_request_append_effect(out, line);
    }
}

bool vdm_request_make(struct vdm_archive *a, struct vdm_entry *e, struct vdm_bytes effects,
                      struct vdm_buf *out, struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_buf said VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_request read;
    struct place at;
    uint64_t size;
    /* What can never be taken in is not asked for: a signature for another history may be used in it. */
    if (!vdm_guard_allows(a, err) || !vdm_archive_ring(a, &ring, &size, err) ||
        !find_place(a, &at, err))
        return false;
    const struct vdm_vkey *authority = &ring.range[0].key;
    e->ledger = vdm_str(a->origin);
    e->n = at.n;
    e->previous = at.previous;
    e->keyring = at.keyring;
    e->signer = vdm_str(authority->name);
    e->signer_id = authority->id;
    vdm_entry_append(&text, e);
    put_effects(effects, &said);
    const struct vdm_request r = {.authority = *authority,
                                  .size = at.n,
                                  .root = at.root,
                                  .effects = vdm_buf_bytes(&said),
                                  .text = vdm_buf_bytes(&text)};
    vdm_request_append(out, &r);
    /* As the other machine will read it. */
    return vdm_buf_ok(&text, err) && vdm_buf_ok(&said, err) && vdm_buf_ok(out, err) &&
           vdm_request_decode(a->crypto, vdm_buf_bytes(out), &read, err);
}

bool vdm_request_sign(const struct vdm_request *r, const struct vdm_signer *authority,
                      struct vdm_buf *out, struct vdm_err *err)
{
    if (!vdm_vkey_equal(vdm_signer_vkey(authority), &r->authority))
        return vdm_fail(err, "the request is for the key of %s, and this is another",
                        r->authority.name);
    return vdm_signer_append_note(authority, r->text, out, err);
}

/* --- taking it in --- */

static bool went_on(const struct place *at, uint64_t n, struct vdm_err *err)
{
    return vdm_fail(err,
                    "the entry is signed as number %llu of another state of the ledger, which has "
                    "%llu entries now: make the request again (--request), and have it signed",
                    (unsigned long long)n, (unsigned long long)at->n);
}

bool vdm_submit_check(struct vdm_archive *a, struct vdm_bytes note, struct vdm_entry *out,
                      struct vdm_err *err)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_note parts;
    struct place at;
    uint64_t size;
    if (!vdm_entry_open(a->crypto, note, &parts, out, err) || !find_place(a, &at, err) ||
        !vdm_archive_ring(a, &ring, &size, err))
        return false;
    if (!vdm_bytes_equal_str(out->ledger, a->origin))
        return vdm_fail(err, "the entry is of another ledger");
    if (vdm_note_verify(&parts, a->crypto, &ring.range[0].key, NULL) != VDM_NOTE_GOOD)
        return vdm_fail(err, "the entry is not signed by this ledger's authority");
    if (out->n != at.n || out->keyring != at.keyring ||
        !vdm_digest_equal(out->previous, at.previous))
        return went_on(&at, out->n, err);
    return out->kind == VDM_ENTRY_KEY || out->kind == VDM_ENTRY_WITHDRAWAL ||
           vdm_fail(err, "an entry of kind %s is not submitted in this way",
                    vdm_entry_kind_name(out->kind));
}

/* May what it says be done? */
static bool check_effect(struct vdm_archive *a, const struct vdm_entry *e, struct vdm_err *err)
{
    struct vdm_takedown takedown VDM_CLEANUP(vdm_takedown_release) = {0};
    struct vdm_key_effect effect;
    if (e->kind == VDM_ENTRY_WITHDRAWAL)
        return vdm_withdraw_plan_signed(a, &e->withdrawal, &takedown, err);
    return vdm_key_change_check(a, &e->key, &effect, err);
}

static bool append(struct vdm_archive *a, struct vdm_writer *w, struct vdm_bytes note, uint64_t *n,
                   struct vdm_err *err)
{
    struct vdm_entry e;
    *n = vdm_writer_next(w);
    return vdm_submit_check(a, note, &e, err) && check_effect(a, &e, err) &&
           vdm_writer_append_signed(w, note, err) && vdm_writer_commit(w, err);
}

bool vdm_submit_apply(struct vdm_archive *a, struct vdm_bytes note,
                      const struct vdm_signers *signers, struct vdm_key_changed *out,
                      struct vdm_err *err)
{
    struct vdm_writer *w VDM_CLEANUP(vdm_writer_cleanup) = NULL;
    *out = (struct vdm_key_changed){0};
    if (!vdm_writer_open(&w, a, signers->ledger, err))
        return false;
    vdm_writer_hand_over(w, signers->old_ledger);
    if (!vdm_writer_begin(w, err) || !append(a, w, note, &out->entry, err))
        return false;
    vdm_buf_put(&out->checkpoint, vdm_writer_checkpoint(w));
    return vdm_buf_ok(&out->checkpoint, err);
}
