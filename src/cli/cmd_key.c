/* SPDX-License-Identifier: MIT */
#include "cli/cmd.h"
#include "cli/keylist.h"
#include "ops/keys.h"

#include <string.h>

const struct vdm_opt vdm_opts_key[] = {
    {"pem", 0, NULL, "export: as PEM, for openssl"},
    {NULL, 0, NULL, NULL},
};

const char *vdm_key_state(const struct vdm_key_range *r)
{
    if (r->ended_at == UINT64_MAX)
        return "authorized";
    return r->ended_by == VDM_KEY_REVOKE ? "revoked" : "retired";
}

void vdm_keys_print(struct vdm_cli *cli, const struct vdm_keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        const struct vdm_key_range *r = &ring->range[i];
        char fingerprint[20];
        vdm_fingerprint(cli->crypto, &r->key.key, fingerprint);
        printf("  %-10s %-11s %s   %s", vdm_role_name(r->role), vdm_key_state(r), fingerprint,
               r->key.name);
        if (r->until != UINT64_MAX)
            printf("   (up to entry %llu)", (unsigned long long)r->until - 1);
        puts("");
    }
}

static void print_json_key(struct vdm_cli *cli, const struct vdm_key_range *r)
{
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    struct vdm_err ignored;
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &r->key.key, fingerprint);
    vdm_vkey_append(&vkey, &r->key);
    json_t *o =
        json_pack("{s:s,s:o,s:s,s:s,s:s,s:I}", "name", r->key.name, "vkey",
                  vdm_json_value(vdm_buf_bytes(&vkey)), "fingerprint", fingerprint, "role",
                  vdm_role_name(r->role), "state", vdm_key_state(r), "from", (json_int_t)r->from);
    if (o)
        json_object_set_new(
            o, "to", r->until == UINT64_MAX ? json_null() : json_integer((json_int_t)r->until - 1));
    if (!vdm_json_print(o, &ignored))
        fputs("vidimus: out of memory\n", stderr);
}

static bool export_key(struct vdm_cli *cli, const struct vdm_keyring *ring,
                       const struct vdm_args *args, struct vdm_err *err)
{
    unsigned found = 0;
    if (args->rests < 2)
        return vdm_fail_as(err, VDM_ERR_USAGE, "usage: vidimus key export NAME [--pem]");
    for (size_t i = 0; i < ring->count; i++) {
        const struct vdm_vkey *k = &ring->range[i].key;
        struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
        if (strcmp(k->name, args->rest[1]) != 0)
            continue;
        found++;
        if (cli->json) {
            print_json_key(cli, &ring->range[i]);
            continue;
        }
        if (vdm_args_has(args, "pem")) {
            if (!vdm_key_append_pem(&out, k, err))
                return false;
        } else {
            vdm_vkey_append(&out, k);
            vdm_buf_putc(&out, '\n');
        }
        if (!vdm_buf_ok(&out, err))
            return false;
        fwrite(out.p, 1, out.n, stdout);
    }
    return found || vdm_fail_as(err, VDM_ERR_NOT_FOUND, "the ledger knows no key of the name %s",
                                args->rest[1]);
}

static bool list_keys(struct vdm_cli *cli, const struct vdm_keyring *ring)
{
    if (!cli->json)
        vdm_keys_print(cli, ring);
    for (size_t i = 0; cli->json && i < ring->count; i++)
        print_json_key(cli, &ring->range[i]);
    return true;
}

VDM_COMMAND(key)
{
    struct vdm_report nothing;
    struct vdm_entry_check check;
    uint64_t size;
    bool list = strcmp(args->rest[0], "list") == 0;
    (void)status;
    if (!list && strcmp(args->rest[0], "export") != 0)
        return vdm_fail_as(err, VDM_ERR_USAGE, "key: list or export, not %s", args->rest[0]);
    vdm_report_init(&nothing);
    vdm_entry_check_init(&check, cli->crypto, &nothing);
    bool ok = vdm_ledger_size(cli->archive->ledger, &size, err) &&
              vdm_archive_keyring(cli->archive, size, &check, err);
    if (ok)
        ok = list ? list_keys(cli, &check.keyring) : export_key(cli, &check.keyring, args, err);
    vdm_entry_check_release(&check);
    vdm_report_release(&nothing);
    return ok;
}
