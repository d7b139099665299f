/* SPDX-License-Identifier: MIT */
#include "format/fork_proof.h"

#include "base/text.h"
#include "format/value.h"

#define MAGIC "vidimus/fork-proof/v1\n"

static bool malformed(struct vdm_err *err, const char *why)
{
    return vdm_fail_as(err, VDM_ERR_MALFORMED, "a malformed fork proof: %s", why);
}

/* The root and the hashes, where there are, up to the blank line. */
static bool take_path(struct vdm_bytes *rest, struct vdm_fork_proof *p, bool *has_root)
{
    struct vdm_bytes line;
    *has_root = vdm_take_field(rest, "root", &line);
    if (*has_root && !vdm_digest_from_base64(line, &p->root))
        return false;
    for (p->hashes = 0; vdm_cut_line(rest, &line); p->hashes++) {
        if (line.n == 0)
            return true;
        if (p->hashes == VDM_PROOF_HASHES_MAX || !vdm_digest_from_base64(line, &p->hash[p->hashes]))
            return false;
    }
    return false;
}

/* A checkpoint's text has no blank line, so its note ends before the second. */
static bool cut_note(struct vdm_bytes *rest, struct vdm_bytes *note)
{
    struct vdm_bytes at = *rest, line;
    for (int blank = 0; blank < 2; blank += line.n == 0)
        if (!vdm_cut_line(&at, &line))
            return false;
    *note = (struct vdm_bytes){rest->p, rest->n - at.n - 1};
    *rest = at;
    return true;
}

static bool take_checkpoint(struct vdm_fork_proof *p, int i, struct vdm_err *err)
{
    struct vdm_note note;
    if (!vdm_checkpoint_open(p->note[i], &note, &p->head[i], err))
        return false;
    if (!vdm_bytes_equal_str(p->head[i].origin, p->key.name))
        return malformed(err, "a checkpoint of another ledger than the key's");
    if (p->head[i].size == 0)
        return malformed(err, "a checkpoint over no entry contradicts nothing");
    return true;
}

static int compare(struct vdm_digest a, struct vdm_digest b)
{
    return vdm_bytes_compare(vdm_digest_bytes(&a), vdm_digest_bytes(&b));
}

/* One form for each contradiction, and nothing that is none. */
static bool check_order(const struct vdm_fork_proof *p, bool has_root, struct vdm_err *err)
{
    const struct vdm_checkpoint *h = p->head;
    if (h[0].size > h[1].size)
        return malformed(err, "the larger checkpoint stands first");
    if (h[0].size < h[1].size) {
        if (!has_root)
            return malformed(err, "no root, but two sizes");
        if (compare(p->root, h[0].root) == 0)
            return malformed(err, "its root is that of the smaller checkpoint");
        return true;
    }
    if (has_root || p->hashes)
        return malformed(err, "a root or hashes, but one size");
    if (compare(h[0].root, h[1].root) >= 0)
        return malformed(err, "two checkpoints of one size must be in the order of their roots");
    return true;
}

bool vdm_fork_proof_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_fork_proof *out,
                           struct vdm_err *err)
{
    struct vdm_buf again VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_bytes rest = text, key;
    struct vdm_fork_proof p = {.hashes = 0};
    bool has_root;
    if (text.n > VDM_FORK_PROOF_MAX || !vdm_take_literal(&rest, MAGIC))
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "not a fork proof");
    if (!vdm_take_field(&rest, "ledger-key", &key) || !vdm_vkey_decode(c, key, &p.key, NULL) ||
        !vdm_vkey_is_ours(&p.key) || !vdm_origin_valid(vdm_str(p.key.name)))
        return malformed(err, "no ledger key");
    if (!take_path(&rest, &p, &has_root) || !cut_note(&rest, &p.note[0]))
        return malformed(err, "not a root, hashes and two checkpoints");
    p.note[1] = rest;
    if (!take_checkpoint(&p, 0, err) || !take_checkpoint(&p, 1, err) ||
        !check_order(&p, has_root, err))
        return false;
    vdm_fork_proof_append(&again, &p);
    if (!vdm_same_bytes(&again, text, "a fork proof", err))
        return false;
    *out = p;
    return true;
}

void vdm_fork_proof_append(struct vdm_buf *out, const struct vdm_fork_proof *p)
{
    vdm_buf_puts(out, MAGIC "ledger-key ");
    vdm_vkey_append(out, &p->key);
    vdm_buf_putc(out, '\n');
    if (p->head[0].size < p->head[1].size) {
        vdm_buf_puts(out, "root ");
        vdm_base64_append(out, vdm_digest_bytes(&p->root));
        vdm_buf_putc(out, '\n');
        for (size_t i = 0; i < p->hashes; i++) {
            vdm_base64_append(out, vdm_digest_bytes(&p->hash[i]));
            vdm_buf_putc(out, '\n');
        }
    }
    for (int i = 0; i < 2; i++) {
        vdm_buf_putc(out, '\n');
        vdm_buf_put(out, p->note[i]);
    }
}
