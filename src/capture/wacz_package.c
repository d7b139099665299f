/* SPDX-License-Identifier: MIT */
/* What datapackage.json says, compared with what is there. */
#include "base/limits.h"
#include "base/text.h"
#include "capture/bag_text.h"
#include "capture/wacz_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void problem(struct vdm_wacz *w, const char *format,
                                                          ...)
{
    char text[VDM_MEMBER_NAME_MAX + 300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    vdm_members_problem(w->to, VDM_OFFSET_NONE, text);
}

static const char *string_in(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* --- one resource --- */

/* What is stated of a file: the algorithm's name, or NULL, and the hex. */
struct stated {
    struct vdm_bytes algorithm, hex;
    json_int_t bytes; /* -1: not */
    bool no_size;     /* what stands there is no number of bytes */
};

/* `sha256:<hex>`; or the hex alone, with its algorithm in `hashing`. */
static void take_hash(struct stated *s, const char *hash, const char *hashing)
{
    struct vdm_bytes rest = vdm_str(hash), before;
    if (vdm_cut(&rest, ':', &before))
        s->algorithm = before;
    else
        s->algorithm = vdm_str(hashing ? hashing : "md5"); /* that is the format's default */
    s->hex = rest;
}

static struct stated stated_of(const json_t *package, const json_t *resource)
{
    const json_t *stats = json_object_get(resource, "stats");
    const json_t *bytes =
        json_object_get(json_object_get(resource, "bytes") ? resource : stats, "bytes");
    struct stated s = {.bytes = json_is_integer(bytes) ? json_integer_value(bytes) : -1};
    s.no_size = bytes && s.bytes < 0;
    const char *hash = string_in(resource, "hash"), *hashing = string_in(resource, "hashing");
    hash = hash ? hash : string_in(stats, "hash");
    hashing = hashing ? hashing : string_in(package, "hashing");
    if (hash)
        take_hash(&s, hash, hashing);
    else if ((hash = string_in(stats, "sha256")))
        take_hash(&s, hash, "sha256");
    else if ((hash = string_in(stats, "md5")))
        take_hash(&s, hash, "md5");
    return s;
}

static bool hex_is(struct vdm_bytes hex, const uint8_t *sum, enum vdm_sum_kind kind)
{
    char text[2 * VDM_SUM_BYTES_MAX + 1];
    vdm_hex_encode(sum, vdm_sum_bytes(kind), text);
    return vdm_bag_same_label(hex, vdm_str(text));
}

/* NULL: it fits. */
static const char *compare(const struct vdm_wacz_file *f, const struct stated *s, bool *weak)
{
    enum vdm_sum_kind kind;
    if (s->no_size)
        return "is said to have a size that is none";
    if (s->bytes >= 0 && (uint64_t)s->bytes != f->size)
        return "has another size";
    if (s->hex.n == 0)
        return "has no hash";
    if (!vdm_sum_kind_from_name(s->algorithm, &kind) ||
        (kind != VDM_SUM_SHA256 && kind != VDM_SUM_MD5))
        return "has a hash of an algorithm that is not known here";
    *weak = *weak || kind == VDM_SUM_MD5;
    return hex_is(s->hex, kind == VDM_SUM_MD5 ? f->md5 : f->sha256, kind) ? NULL
                                                                          : "has another content";
}

static void check_resource(struct vdm_wacz *w, const json_t *resource)
{
    const char *path = string_in(resource, "path");
    struct vdm_wacz_file *f = path ? vdm_wacz_find(w, path) : NULL;
    w->checked++;
    if (!path || !f) {
        problem(w, "%s is missing, which datapackage.json names", path ? path : "a resource");
        w->wrong++;
        return;
    }
    const struct stated s = stated_of(w->json, resource);
    const char *why = compare(f, &s, &w->weak);
    f->listed = true;
    if (why) {
        char size[40] = "no size";
        if (s.bytes >= 0)
            snprintf(size, sizeof size, "%lld bytes", (long long)s.bytes);
        problem(w, "%s %s: datapackage.json says %.*s, %s", path, why,
                s.hex.n == 0 ? 7 : (int)(s.hex.n < 128 ? s.hex.n : 128),
                s.hex.n == 0 ? "no hash" : (const char *)s.hex.p, size);
        f->bad = true;
        w->wrong++;
    }
}

/* --- all of it --- */

static void check_listed(struct vdm_wacz *w)
{
    for (size_t i = 0; i < w->files; i++) {
        struct vdm_wacz_file *f = &w->file[i];
        if (f->listed || strcmp(f->path, "datapackage.json") == 0 ||
            strcmp(f->path, "datapackage-digest.json") == 0)
            continue;
        problem(w, "%s is there, and datapackage.json does not name it", f->path);
        f->bad = true;
        w->wrong++;
    }
}

static void check_digest(struct vdm_wacz *w)
{
    json_t *digest =
        json_loadb((const char *)w->digest.p, w->digest.n, JSON_REJECT_DUPLICATES, NULL);
    const struct vdm_wacz_file *package = vdm_wacz_find(w, "datapackage.json");
    const char *hash = string_in(digest, "hash");
    struct stated s = {.bytes = -1};
    if (hash)
        take_hash(&s, hash, "sha256");
    if (w->digest.n && !(hash && package && vdm_bytes_equal_str(s.algorithm, "sha256") &&
                         hex_is(s.hex, package->sha256, VDM_SUM_SHA256))) {
        problem(w, "datapackage.json has another content than datapackage-digest.json says");
        w->package_differs = true;
    }
    json_decref(digest);
}

void vdm_wacz_check(struct vdm_wacz *w)
{
    size_t i;
    json_t *resource;
    json_error_t error;
    w->json =
        w->package.failed ? NULL : json_loadb((const char *)w->package.p, w->package.n, 0, &error);
    const json_t *resources = json_object_get(w->json, "resources");
    if (!json_is_array(resources)) {
        problem(w, "datapackage.json cannot be read: no hash was checked");
        return;
    }
    json_array_foreach((json_t *)(uintptr_t)resources, i, resource) check_resource(w, resource);
    check_listed(w);
    check_digest(w);
}

bool vdm_wacz_says_so(struct vdm_bytes package)
{
    size_t i;
    json_t *resource, *json = json_loadb((const char *)package.p, package.n, 0, NULL);
    const json_t *resources = json_object_get(json, "resources");
    bool says = string_in(json, "wacz_version");
    json_array_foreach((json_t *)(uintptr_t)resources, i, resource)
    {
        const char *path = string_in(resource, "path");
        says = says || (path && strncmp(path, "archive/", 8) == 0);
    }
    json_decref(json);
    return says;
}

/* --- what is told of the WACZ --- */

static void about(struct vdm_wacz *w, const char *name, const char *value)
{
    struct vdm_buf line VDM_CLEANUP(vdm_buf_release) = {0};
    if (!value || !*value)
        return;
    vdm_buf_putf(&line, "%s: %s", name, value);
    if (!line.failed)
        vdm_members_about(w->to, VDM_FIELD_FIELD, vdm_buf_bytes(&line));
}

static void about_signature(struct vdm_wacz *w)
{
    json_t *digest = json_loadb((const char *)w->digest.p, w->digest.n, 0, NULL);
    const json_t *signed_data = json_object_get(digest, "signedData");
    char text[300];
    if (!signed_data)
        signed_data = json_object_get(digest, "signatureData"); /* as it was once documented */
    const char *domain = string_in(signed_data, "domain");
    snprintf(text, sizeof text, "present, not verified here%s%s",
             domain ? "; it says it is by " : "", domain ? domain : "");
    if (signed_data)
        about(w, "signature", text);
    json_decref(digest);
}

void vdm_wacz_about(struct vdm_wacz *w)
{
    char text[200];
    const char *title = string_in(w->json, "title"), *software = string_in(w->json, "software");
    const char *version = string_in(w->json, "wacz_version");
    if (title)
        vdm_members_about(w->to, VDM_FIELD_TITLE, vdm_str(title));
    if (software)
        vdm_members_about(w->to, VDM_FIELD_METHOD, vdm_str(software));
    if (json_is_array(json_object_get(w->json, "resources")))
        snprintf(text, sizeof text,
                 "%zu files checked against datapackage.json, %zu do not fit%s%s", w->checked,
                 w->wrong, w->weak ? " (by MD5, which shows accidents and is no evidence)" : "",
                 w->package_differs ? "; it is not what datapackage-digest.json says" : "");
    else
        snprintf(text, sizeof text, "datapackage.json cannot be read: no file was checked");
    about(w, "wacz", text);
    about(w, "wacz-version", version);
    about(w, "description", string_in(w->json, "description"));
    about(w, "created", string_in(w->json, "created"));
    about(w, "main-page", string_in(w->json, "mainPageUrl"));
    about_signature(w);
}
