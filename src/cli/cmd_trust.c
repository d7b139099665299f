/* SPDX-License-Identifier: MIT */
#include "base/text.h"
#include "cli/cmd.h"
#include "ops/keys.h"

#include <string.h>

const struct vdm_manual vdm_manual_trust = {
    .usage = "list | add FILE|VKEY | remove NAME|FILE",
    .summary = "other people's keys",
    .paragraphs =
        {
            "They lie in keys/trusted/ and serve `vidimus verify --trust NAME`. Compare the "
            "fingerprint with its owner over another channel before you add a key.",
        },
    .examples =
        {
            {"vidimus trust add partner-authority.pub", "a key that you compared"},
            {"vidimus verify theirs.tar --trust partner.example/authority", "what it is for"},
        },
    .arguments = "list add remove trusted-key",
};

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

static bool print_json_item(struct vdm_cli *cli, const struct vdm_trusted *t, struct vdm_err *err)
{
    static const char *const kinds[] = {"key", "policy", "damaged"};
    bool key = t->kind == VDM_TRUSTED_KEY;
    char fingerprint[20] = "";
    if (key)
        vdm_fingerprint(cli->crypto, &t->key.key, fingerprint);
    return vdm_json_print(json_pack("{s:o,s:s,s:o,s:o}", "file", vdm_json_bytes(vdm_str(t->file)),
                                    "kind", kinds[t->kind], "name",
                                    key ? vdm_json_bytes(vdm_str(t->key.name)) : json_null(),
                                    "fingerprint", key ? json_string(fingerprint) : json_null()),
                          err);
}

static bool list(struct vdm_cli *cli, struct vdm_err *err)
{
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    if (!vdm_trust_list(cli->crypto, cli->archive->keys, &l, err))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        if (!cli->json)
            print_item(cli, &l.item[i]);
        else if (!print_json_item(cli, &l.item[i], err))
            return false;
    }
    return true;
}

static bool print_json_added(const struct vdm_vkey *k, const char *fingerprint, bool added,
                             struct vdm_err *err)
{
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_vkey_append(&vkey, k);
    return vdm_buf_ok(&vkey, err) &&
           vdm_json_print(json_pack("{s:b,s:s,s:o,s:o}", "added", added, "fingerprint", fingerprint,
                                    "name", vdm_json_bytes(vdm_str(k->name)), "vkey",
                                    vdm_json_value(vdm_buf_bytes(&vkey))),
                          err);
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
    if (cli->json)
        return print_json_added(&keys.key[0], fingerprint, added, err);
    printf("%s   %s   ", added ? "added" : "already there", fingerprint);
    vdm_out_str(stdout, keys.key[0].name);
    puts("\nCompare this fingerprint with the key's owner over another channel.");
    return true;
}

/* By the file's name, or the key's where only one has it. */
static bool find_file(struct vdm_cli *cli, const char *what, char file[256], struct vdm_err *err)
{
    struct vdm_trusted_list l VDM_CLEANUP(vdm_trusted_list_release) = {0};
    size_t named = 0;
    if (!vdm_trust_list(cli->crypto, cli->archive->keys, &l, err))
        return false;
    for (size_t i = 0; i < l.n; i++) {
        const struct vdm_trusted *t = &l.item[i];
        bool this_file = strcmp(t->file, what) == 0;
        if (this_file || (t->kind == VDM_TRUSTED_KEY && strcmp(t->key.name, what) == 0)) {
            named++;
            snprintf(file, 256, "%s", t->file);
        }
        if (this_file)
            return true;
    }
    if (named > 1)
        return vdm_fail_as(err, VDM_ERR_USAGE,
                           "several keys have the name %s: name the file (vidimus trust list)",
                           what);
    return named || vdm_fail_as(err, VDM_ERR_NOT_FOUND, "keys/trusted/ holds no %s", what);
}

static bool take_away(struct vdm_cli *cli, const char *what, struct vdm_err *err)
{
    char file[256];
    if (!find_file(cli, what, file, err) || !vdm_trust_remove(cli->archive->keys, file, err))
        return false;
    if (cli->json)
        return vdm_json_print(json_pack("{s:o}", "removed", vdm_json_bytes(vdm_str(file))), err);
    fputs("removed ", stdout);
    vdm_out_str(stdout, file);
    puts("");
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
        return take_away(cli, what, err);
    return vdm_fail_as(err, VDM_ERR_USAGE,
                       "usage: vidimus trust list | add FILE|VKEY | remove NAME|FILE");
}
