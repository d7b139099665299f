/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cli.h"

#include <stdlib.h>

static void put_unit(FILE *to, uint32_t unit)
{
    fprintf(to, "\\u%04x", unit);
}

/* JSON may hold what turns or hides text; a terminal must not: it stands as \uXXXX, the same value.
 * Whatever is not ASCII is inside a string. */
static void put_text(FILE *to, struct vdm_bytes s)
{
    uint32_t code;
    for (size_t n; (n = vdm_utf8_next(s, &code)) > 0; s = vdm_bytes_skip(s, n)) {
        if (!vdm_is_unprintable(code)) {
            fwrite(s.p, 1, n, to);
        } else if (code < 0x10000) {
            put_unit(to, code);
        } else {
            put_unit(to, 0xd800 + ((code - 0x10000) >> 10));
            put_unit(to, 0xdc00 + ((code - 0x10000) & 0x3ff));
        }
    }
    fputc('\n', to);
}

/* Not json_dumps: without memory it leaves keys out (jansson 2.14) and says nothing. */
static int keep_text(const char *p, size_t n, void *ctx)
{
    struct vdm_buf *text = ctx;
    vdm_buf_put(text, (struct vdm_bytes){(const uint8_t *)p, n});
    return text->failed ? -1 : 0;
}

bool vdm_json_write(FILE *to, json_t *object, struct vdm_err *err)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    bool ok = object && json_dump_callback(object, keep_text, &text, JSON_COMPACT) == 0;
    json_decref(object);
    if (!ok || text.failed)
        return vdm_fail_memory(err);
    put_text(to, vdm_buf_bytes(&text));
    return !ferror(to) || vdm_fail_errno(err, "standard output");
}

bool vdm_json_print(json_t *object, struct vdm_err *err)
{
    return vdm_json_write(stdout, object, err);
}

static void check(json_t **to, int result)
{
    if (result == 0)
        return;
    json_decref(*to);
    *to = NULL;
}

void vdm_json_set(json_t **to, const char *key, json_t *value)
{
    check(to, json_object_set_new(*to, key, value));
}

void vdm_json_add(json_t **to, json_t *value)
{
    check(to, json_array_append_new(*to, value));
}

json_t *vdm_json_bytes(struct vdm_bytes s)
{
    struct vdm_buf safe VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_printable_append(&safe, s);
    return safe.failed ? NULL : json_stringn(safe.p ? (char *)safe.p : "", safe.n);
}

json_t *vdm_json_value(struct vdm_bytes value)
{
    return json_stringn(value.n ? (const char *)value.p : "", value.n);
}

json_t *vdm_json_time(struct vdm_time t)
{
    char text[VDM_TIME_LEN + 1];
    vdm_time_encode(t, text);
    return json_string(text);
}

json_t *vdm_json_root(struct vdm_digest root)
{
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_base64_append(&text, vdm_digest_bytes(&root));
    return text.failed ? NULL : json_stringn((char *)text.p, text.n);
}

json_t *vdm_json_continues(const struct vdm_continued *c)
{
    return json_pack("{s:s,s:I,s:o}", "origin", c->origin, "size", (json_int_t)c->size, "root",
                     vdm_json_root(c->root));
}

json_t *vdm_json_digest(struct vdm_digest d)
{
    char hex[65], text[72];
    vdm_digest_hex(d, hex);
    snprintf(text, sizeof text, "sha256:%s", hex);
    return json_string(text);
}

/* Field names with `_` for `-`; what may repeat is an array. */
json_t *vdm_json_record(const struct vdm_record *r)
{
    json_t *object = json_object();
    struct vdm_bytes rest = r->body;
    struct vdm_record_line l;
    while (vdm_record_next(&rest, &l)) {
        char key[32];
        snprintf(key, sizeof key, "%s", vdm_field_name(l.field));
        for (char *c = key; *c; c++)
            *c = *c == '-' ? '_' : *c;
        json_t *value = vdm_json_value(l.value);
        if (!vdm_field_repeats(l.field)) {
            vdm_json_set(&object, key, value);
            continue;
        }
        json_t *list = json_incref(json_object_get(object, key));
        if (!list)
            list = json_array();
        vdm_json_add(&list, value);
        vdm_json_set(&object, key, list);
    }
    return object;
}
