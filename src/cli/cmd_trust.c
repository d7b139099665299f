/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cmd.h"
#include "ops/keys.h"

#include <string.h>

static void print_item(struct vdm_cli *cli, const struct vdm_trusted *t)
{
    char fingerprint[20] = "";
    printf("  ");
    vdm_out_str(stdout, t->file);
    if (t->kind == VDM_TRUSTED_KEY) {
        vdm_fingerprint(cli->crypto, &t->key.key, fingerprint);
        printf("   %s   ", fingerprint);
        vdm_out_str(stdout, t->key.name);
    } else if (t->kind == VDM_TRUSTED_POLICY) {
        fputs("   policy", stdout);
    } else {
        fputs("   DAMAGED: ", stdout);
        vdm_out_str(stdout, t->problem);
    }
    puts("");
}

static bool list(struct vdm_cli *cli, struct vdm_err *err)
{
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    if (!vdm_trust_list(cli->crypto, cli->archive->keys, &l, err))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        const struct vdm_trusted *t = &l.item[i];
        static const char *const kinds[] = {"key", "policy", "damaged"};
        if (!cli->json)
            print_item(cli, t);
        else if (!vdm_json_print(
                     json_pack("{s:o,s:s,s:o}", "file", vdm_json_bytes(vdm_str(t->file)), "kind",
                               kinds[t->kind], "name",
                               t->kind == VDM_TRUSTED_KEY ? vdm_json_bytes(vdm_str(t->key.name))
                                                          : json_null()),
                     err))
            return false;
    }
    return true;
}

static bool add(struct vdm_cli *cli, const char *what, struct vdm_err *err)
{
    struct vdm_vkeys keys VDM_CLEANUP(vdm_vkeys_release) = {0};
    char fingerprint[20];
    bool added;
    if (!vdm_trust_file_or_key(cli->crypto, what, &keys, err) ||
        !vdm_trust_add(cli->crypto, cli->archive->keys, &keys.key[0], &added, err))
        return false;
    vdm_fingerprint(cli->crypto, &keys.key[0].key, fingerprint);
    printf("%s   %s   ", added ? "added" : "already there", fingerprint);
    vdm_out_str(stdout, keys.key[0].name);
    puts("\nCompare this fingerprint with the key's owner over another channel.");
    return true;
}

VDM_COMMAND(trust)
{
    const char *verb = args->rest[0], *what = args->rests > 1 ? args->rest[1] : NULL;
    (void)status;
    if (strcmp(verb, "list") == 0 && !what)
        return list(cli, err);
    if (strcmp(verb, "add") == 0 && what)
        return add(cli, what, err);
    if (strcmp(verb, "remove") == 0 && what)
        return vdm_trust_remove(cli->archive->keys, what, err);
    return vdm_fail_as(err, VDM_ERR_USAGE,
                       "usage: vidimus trust list | add FILE|VKEY | remove FILE");
}
