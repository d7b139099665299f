/* SPDX-License-Identifier: MIT */
#include "format/policy.h"

#include "base/text.h"

#include <string.h>

/* The next word of a line; words are parted by spaces and tabs. n == 0 at the end. */
static struct vdm_bytes next_word(struct vdm_bytes *line)
{
    while (line->n && (line->p[0] == ' ' || line->p[0] == '\t'))
        *line = vdm_bytes_skip(*line, 1);
    size_t n = 0;
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
        n++;
    struct vdm_bytes word = {line->p, n};
    *line = vdm_bytes_skip(*line, n);
    return word;
}

static bool find_item(const struct vdm_policy *p, struct vdm_bytes name, size_t *index)
{
    for (size_t i = 0; i < p->items; i++)
        if (vdm_bytes_equal(p->item[i].name, name)) {
            *index = i;
            return true;
        }
    return false;
}

static struct vdm_policy_item *new_item(struct vdm_policy *p, struct vdm_bytes name)
{
    size_t there;
    if (vdm_bytes_equal_str(name, "none") || find_item(p, name, &there) ||
        p->items == VDM_POLICY_ITEMS_MAX)
        return NULL;
    struct vdm_policy_item *item = &p->item[p->items];
    *item = (struct vdm_policy_item){.name = name};
    return item;
}

static bool known_log(const struct vdm_policy *p, const struct vdm_vkey *key)
{
    for (size_t i = 0; i < p->logs; i++)
        if (vdm_pubkey_equal(p->log[i].key, key->key))
            return true;
    return false;
}

static bool known_witness(const struct vdm_policy *p, const struct vdm_vkey *key)
{
    for (size_t i = 0; i < p->items; i++)
        if (vdm_pubkey_equal(p->item[i].key.key, key->key)) /* a group's is zeros: no key */
            return true;
    return false;
}

/* A URL may follow a key; we use no network, so it is passed over. */
static bool url_and_end(struct vdm_bytes *line)
{
    next_word(line);
    return next_word(line).n == 0;
}

static bool take_log(struct vdm_policy *p, struct vdm_crypto *c, struct vdm_bytes line)
{
    struct vdm_vkey *key = &p->log[p->logs];
    if (p->logs == VDM_POLICY_ITEMS_MAX || !vdm_vkey_decode(c, next_word(&line), key, NULL) ||
        key->type != VDM_KEY_ED25519 || known_log(p, key) || !url_and_end(&line))
        return false;
    p->logs++;
    return true;
}

static bool take_witness(struct vdm_policy *p, struct vdm_crypto *c, struct vdm_bytes line)
{
    struct vdm_policy_item *item = new_item(p, next_word(&line));
    if (!item || !vdm_vkey_decode(c, next_word(&line), &item->key, NULL) ||
        item->key.type != VDM_KEY_COSIGNATURE || known_witness(p, &item->key) ||
        !url_and_end(&line))
        return false;
    p->items++;
    return true;
}

static bool take_threshold(struct vdm_bytes word, uint64_t count, uint64_t *out)
{
    if (vdm_bytes_equal_str(word, "any"))
        *out = 1;
    else if (vdm_bytes_equal_str(word, "all"))
        *out = count;
    else if (!vdm_number_decode(word, out))
        return false;
    return *out >= 1 && *out <= count;
}

static bool take_group(struct vdm_policy *p, struct vdm_bytes line)
{
    struct vdm_policy_item *group = new_item(p, next_word(&line));
    struct vdm_bytes threshold = next_word(&line), member;
    uint64_t count = 0;
    if (!group)
        return false;
    group->is_group = true;
    while ((member = next_word(&line)).n) {
        size_t i;
        if (!find_item(p, member, &i) || p->item[i].in_group)
            return false;
        p->item[i].in_group = true;
        group->members |= UINT64_C(1) << i;
        count++;
    }
    if (!take_threshold(threshold, count, &group->threshold))
        return false;
    p->items++;
    return true;
}

static bool take_quorum(struct vdm_policy *p, struct vdm_bytes line)
{
    struct vdm_bytes name = next_word(&line);
    p->has_quorum = !vdm_bytes_equal_str(name, "none");
    return (!p->has_quorum || find_item(p, name, &p->quorum)) && next_word(&line).n == 0;
}

static bool take_line(struct vdm_policy *p, struct vdm_crypto *c, struct vdm_bytes line,
                      unsigned *quorums)
{
    for (size_t i = 0; i < line.n; i++)
        if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7F)
            return false;
    struct vdm_bytes word = next_word(&line);
    if (word.n == 0 || word.p[0] == '#')
        return true;
    if (vdm_bytes_equal_str(word, "log"))
        return take_log(p, c, line);
    if (vdm_bytes_equal_str(word, "witness"))
        return take_witness(p, c, line);
    if (vdm_bytes_equal_str(word, "group"))
        return take_group(p, line);
    return vdm_bytes_equal_str(word, "quorum") && ++*quorums == 1 && take_quorum(p, line);
}

bool vdm_policy_decode(struct vdm_crypto *c, struct vdm_bytes text, struct vdm_policy *out,
                       struct vdm_err *err)
{
    struct vdm_bytes rest = text, line;
    unsigned quorums = 0, number = 0;
    memset(out, 0, sizeof *out);
    while (rest.n) {
        number++;
        if (!vdm_cut_line(&rest, &line) || !take_line(out, c, line, &quorums))
            return vdm_fail_as(err, VDM_ERR_MALFORMED, "policy: line %u is malformed", number);
    }
    if (quorums != 1)
        return vdm_fail_as(err, VDM_ERR_MALFORMED, "policy: no quorum line");
    return true;
}

bool vdm_policy_trusts_log(const struct vdm_policy *p, const struct vdm_vkey *key)
{
    for (size_t i = 0; i < p->logs; i++)
        if (vdm_vkey_equal(&p->log[i], key))
            return true;
    return false;
}

/* Members stand before their group, so one pass in order decides every item. */
bool vdm_policy_met(const struct vdm_policy *p, struct vdm_crypto *c, const struct vdm_note *note)
{
    uint64_t met = 0;
    if (!p->has_quorum)
        return true;
    for (size_t i = 0; i < p->items; i++) {
        const struct vdm_policy_item *item = &p->item[i];
        bool yes = item->is_group
                       ? (uint64_t)__builtin_popcountll(met & item->members) >= item->threshold
                       : vdm_note_verify(note, c, &item->key, NULL) == VDM_NOTE_GOOD;
        met |= (uint64_t)yes << i;
    }
    return met >> p->quorum & 1;
}
