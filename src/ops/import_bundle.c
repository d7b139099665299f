/* SPDX-License-Identifier: MIT */
#include "ops/import_bundle.h"

#include "capture/pack.h"
#include "ops/verify_bundle.h"

#include <stdio.h>
#include <string.h>

#define FINDINGS_TOLD 20

/* --- in the worker --- */

static bool may_be(struct vdm_bytes head)
{
    return vdm_tar_format.may_be(head);
}

/* A bag whose first tag files are those of a bundle: what it is worth is the verifier's to say. */
static bool is(struct vdm_span *s)
{
    enum { LOOK = 8 };
    struct vdm_packed *u VDM_CLEANUP(vdm_packed_cleanup) = vdm_packed_open(s, VDM_PACKED_TAR);
    bool bag = false;
    for (int i = 0; u && i < LOOK && vdm_packed_next(u) == VDM_PACKED_ENTRY; i++) {
        struct vdm_bytes name = vdm_packed_entry(u)->name;
        const uint8_t *slash = name.n ? memchr(name.p, '/', name.n) : NULL;
        struct vdm_bytes rest = vdm_bytes_skip(name, slash ? (size_t)(slash - name.p) + 1 : 0);
        if (i == 0)
            bag = slash && vdm_bytes_equal(rest, VDM_LIT("bagit.txt"));
        else if (bag && (vdm_bytes_equal(rest, VDM_LIT("vidimus/checkpoint")) ||
                         vdm_bytes_equal(rest, VDM_LIT("vidimus/seal"))))
            return true;
    }
    return false;
}

struct telling {
    struct vdm_members *to;
    uint64_t bytes;
};

static void tell_progress(void *ctx, const char *doing, uint64_t done, uint64_t total,
                          uint64_t bytes)
{
    struct telling *t = ctx;
    (void)doing;
    (void)done;
    (void)total;
    if (bytes > t->bytes)
        vdm_members_passed(t->to, bytes - t->bytes);
    t->bytes = bytes > t->bytes ? bytes : t->bytes;
}

static void tell_findings(const struct vdm_report *r, struct vdm_members *to)
{
    char text[1024];
    snprintf(text, sizeof text, "%s: this bundle of %s is not kept",
             vdm_verdict_words(vdm_report_verdict(r)), r->origin[0] ? r->origin : "some archive");
    vdm_members_problem(to, VDM_OFFSET_NONE, text);
    for (size_t i = 0; i < r->findings.count && i < FINDINGS_TOLD; i++) {
        const struct vdm_finding *f = &r->findings.list[i];
        if (f->kind == VDM_KEY_UNTRUSTED)
            continue;
        snprintf(text, sizeof text, "%s: %s", vdm_kind_word(f->kind), f->message ? f->message : "");
        vdm_members_problem(to, VDM_OFFSET_NONE, text);
    }
}

static void about(struct vdm_members *to, const struct vdm_buf *line)
{
    if (!line->failed)
        vdm_members_about(to, VDM_FIELD_FIELD, vdm_buf_bytes(line));
}

#define VERDICT "bundle-verdict: "

static void tell_good(const struct vdm_report *r, struct vdm_members *to)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_putf(&line, "bundle: of %s, as of %llu entries, root ", r->origin,
                 (unsigned long long)r->size);
    vdm_base64_append(&line, vdm_digest_bytes(&r->root));
    about(to, &line);
    vdm_buf_clear(&line);
    vdm_buf_putf(&line, VERDICT "%s when it was imported, ",
                 vdm_verdict_words(vdm_report_verdict(r)));
    if (r->trusted)
        vdm_buf_putf(&line, "by the trusted key %s, %s", r->trusted_key, r->fingerprint);
    else
        vdm_buf_putf(&line, "by no key that was trusted here; its authority is %s, %s",
                     r->trusted_key, r->fingerprint);
    about(to, &line);
    vdm_buf_clear(&line);
    vdm_buf_putf(&line, "bundle-holds: %llu captures, %llu documents",
                 (unsigned long long)r->captures, (unsigned long long)r->documents);
    about(to, &line);
}

static void run(struct vdm_span *s, struct vdm_members *to)
{
    const struct vdm_import_vouching *v = vdm_members_context(to);
    struct telling t = {to, 0};
    struct vdm_progress progress = {tell_progress, NULL, &t};
    struct vdm_bundle_options o = {.trust = {v->anchors->key, v->anchors->n, v->anchors->policy}};
    struct vdm_report r;
    struct vdm_err err = {0};
    vdm_report_init(&r);
    if (!vdm_verify_bundle(v->crypto, s->fd, "the bundle", &o, &progress, &r, &err))
        vdm_members_problem(to, VDM_OFFSET_NONE, err.text);
    else if (r.no_memory)
        vdm_members_problem(to, VDM_OFFSET_NONE, "the worker that verifies it ran out of memory");
    else if (vdm_report_verdict(&r) == VDM_VERIFIED ||
             vdm_report_verdict(&r) == VDM_INTACT_UNTRUSTED)
        tell_good(&r, to);
    else
        tell_findings(&r, to);
    vdm_report_release(&r);
}

const struct vdm_container_format vdm_import_bundle_format = {"bundle", false, may_be, is, run};

/* --- in the parent --- */

bool vdm_import_anchors(struct vdm_importing *m, struct vdm_err *err)
{
    struct vdm_err why = {0};
    if (!vdm_anchors_add_own(&m->anchors, m->a->crypto, m->a->path, &why) &&
        why.kind != VDM_ERR_NOT_FOUND)
        return vdm_fail_as(err, why.kind, "%s", why.text);
    return vdm_anchors_add_trusted(&m->anchors, m->a->crypto, m->a->keys, err);
}

static bool tell_problems(struct vdm_importing *m, struct vdm_container *c, struct vdm_bytes shown,
                          bool *good, struct vdm_err *err)
{
    enum vdm_container_step step = VDM_CONTAINER_PROBLEM;
    *good = true;
    while (step != VDM_CONTAINER_END) {
        struct vdm_input told = {.status = VDM_INPUT_PROBLEM, .path = shown};
        if (!vdm_container_next(c, &step, err))
            return false;
        if (step != VDM_CONTAINER_PROBLEM)
            continue;
        told.reason = vdm_container_problem(c, &told.offset);
        m->done->problems++;
        vdm_import_say(m, &told);
        *good = false;
    }
    return true;
}

bool vdm_import_bundle_judge(struct vdm_importing *m, struct vdm_container *c,
                             struct vdm_bytes shown, struct vdm_err *err)
{
    bool good;
    return tell_problems(m, c, shown, &good, err) &&
           (!vdm_container_stopped(c) || vdm_fail_as(err, VDM_ERR_REFUSED, "interrupted")) &&
           (good || vdm_fail_as(err, VDM_ERR_REFUSED, "a bundle that cannot be vouched for"));
}

bool vdm_import_bundle_untrusted(const struct vdm_container *c)
{
    const char *words = vdm_verdict_words(VDM_INTACT_UNTRUSTED);
    size_t n;
    const struct vdm_record_line *line = vdm_container_about(c, &n);
    for (size_t i = 0; i < n; i++)
        if (vdm_bytes_start_with(line[i].value, VDM_LIT(VERDICT)) &&
            vdm_bytes_start_with(vdm_bytes_skip(line[i].value, strlen(VERDICT)), vdm_str(words)))
            return true;
    return false;
}
