/* SPDX-License-Identifier: MIT */
/* key list, new, passwd, export: what touches no ledger. */
#include "cli/cmd.h"
#include "cli/keylist.h"
#include "ops/key_make.h"
#include "ops/keys.h"

#include <string.h>

const char *vdm_key_state(const struct vdm_key_range *r)
{
    if (r->ended_at == UINT64_MAX)
        return "authorized";
    return r->ended_by == VDM_KEY_REVOKE ? "revoked" : "retired";
}

void vdm_key_print(struct vdm_cli *cli, const char *before, enum vdm_key_role role,
                   const struct vdm_vkey *k)
{
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &k->key, fingerprint);
    printf("%s%-10s %s   %s\n", before, vdm_role_name(role), fingerprint, k->name);
}

static void print_range(const struct vdm_key_range *r)
{
    if (r->until == UINT64_MAX)
        return;
    if (r->until <= r->from)
        printf("   (no entry; ended by entry %llu)", (unsigned long long)r->ended_at);
    else
        printf("   (entries %llu to %llu; ended by entry %llu)", (unsigned long long)r->from,
               (unsigned long long)r->until - 1, (unsigned long long)r->ended_at);
}

void vdm_keys_print(struct vdm_cli *cli, const struct vdm_keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++) {
        const struct vdm_key_range *r = &ring->range[i];
        char fingerprint[20], file[256];
        vdm_fingerprint(cli->crypto, &r->key.key, fingerprint);
        printf("  %-10s %-11s %s   %s", vdm_role_name(r->role), vdm_key_state(r), fingerprint,
               r->key.name);
        print_range(r);
        if (vdm_key_at_hand(cli->archive, &r->key, file)) {
            fputs("   secret key: keys/", stdout);
            vdm_out_str(stdout, file);
        }
        puts("");
    }
}

/* A key has no role before it is authorized. */
static void print_unknown(struct vdm_cli *cli, const struct vdm_key_unknown *u)
{
    char fingerprint[20], file[256];
    vdm_fingerprint(cli->crypto, &u->key.key, fingerprint);
    printf("  %-22s %s   ", "not authorized", fingerprint);
    vdm_out_str(stdout, u->key.name);
    fputs("   public key: keys/", stdout);
    vdm_out_str(stdout, u->file);
    if (vdm_key_at_hand(cli->archive, &u->key, file)) {
        fputs("   secret key: keys/", stdout);
        vdm_out_str(stdout, file);
    }
    puts("");
}

static bool print_json_unknown(struct vdm_cli *cli, const struct vdm_key_unknown *u,
                               struct vdm_err *err)
{
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    char fingerprint[20], file[256];
    vdm_fingerprint(cli->crypto, &u->key.key, fingerprint);
    vdm_vkey_append(&vkey, &u->key);
    bool here = vdm_key_at_hand(cli->archive, &u->key, file);
    return vdm_json_print(json_pack("{s:s,s:o,s:s,s:n,s:s,s:n,s:n,s:n,s:o,s:o}", "name",
                                    u->key.name, "vkey", vdm_json_value(vdm_buf_bytes(&vkey)),
                                    "fingerprint", fingerprint, "role", "state", "not authorized",
                                    "from", "to", "ended_by", "public_key",
                                    vdm_json_bytes(vdm_str(u->file)), "secret_key",
                                    here ? vdm_json_bytes(vdm_str(file)) : json_null()),
                          err);
}

static bool print_json_key(struct vdm_cli *cli, const struct vdm_key_range *r, struct vdm_err *err)
{
    struct vdm_buf vkey VDM_CLEANUP(vdm_buf_release) = {0};
    char fingerprint[20], file[256];
    vdm_fingerprint(cli->crypto, &r->key.key, fingerprint);
    vdm_vkey_append(&vkey, &r->key);
    bool here = vdm_key_at_hand(cli->archive, &r->key, file);
    bool open = r->until == UINT64_MAX;
    return vdm_json_print(
        json_pack("{s:s,s:o,s:s,s:s,s:s,s:I,s:o,s:o,s:o}", "name", r->key.name, "vkey",
                  vdm_json_value(vdm_buf_bytes(&vkey)), "fingerprint", fingerprint, "role",
                  vdm_role_name(r->role), "state", vdm_key_state(r), "from", (json_int_t)r->from,
                  "to", open ? json_null() : json_integer((json_int_t)r->until - 1), "ended_by",
                  r->ended_at == UINT64_MAX ? json_null() : json_integer((json_int_t)r->ended_at),
                  "secret_key", here ? vdm_json_bytes(vdm_str(file)) : json_null()),
        err);
}

const struct vdm_manual vdm_manual_key_list = {
    .usage = "",
    .summary = "the archive's own keys",
    .paragraphs =
        {
            "Every key that the ledger knows: its role, state, fingerprint, the entries that it "
            "may sign, and whether its secret key lies in keys/. Then the public keys in keys/ "
            "that it does not know, as `not authorized`.",
        },
    .examples =
        {
            {"vidimus key list", "fingerprints to read out, and who may sign"},
        },
};

VDM_COMMAND(key_list)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    struct vdm_keys_unknown unknown VDM_CLEANUP(vdm_keys_unknown_release) = {0};
    uint64_t size;
    (void)args;
    (void)status;
    if (!vdm_archive_ring(cli->archive, &ring, &size, err) ||
        !vdm_keys_unknown_read(cli->archive, &ring, &unknown, err))
        return false;
    if (!cli->json)
        vdm_keys_print(cli, &ring);
    for (size_t i = 0; cli->json && i < ring.count; i++)
        if (!print_json_key(cli, &ring.range[i], err))
            return false;
    for (size_t i = 0; i < unknown.n; i++)
        if (!cli->json)
            print_unknown(cli, &unknown.item[i]);
        else if (!print_json_unknown(cli, &unknown.item[i], err))
            return false;
    return true;
}

/* --- export --- */

static const struct vdm_opt key_export_options[] = {
    {"pem", 0, NULL, "as PEM, for openssl"},
    {"fingerprint", 0, NULL, "its fingerprint, to compare over the telephone"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_export = {
    .usage = "NAME|authority|ledger [--pem|--fingerprint]",
    .summary = "a public key, to give to others",
    .paragraphs =
        {
            "As a vkey, for vidimus and other logs' tools; as PEM, for openssl; or its "
            "fingerprint, to read out over the telephone.",
        },
    .examples =
        {
            {"vidimus key export authority >authority.pub", "for those who will verify"},
            {"vidimus key export authority --fingerprint", "for them to compare"},
        },
    .options = key_export_options,
    .arguments = "own-key",
};

static bool export_one(struct vdm_cli *cli, const struct vdm_key_range *r,
                       const struct vdm_args *args, struct vdm_err *err)
{
    struct vdm_buf out VDM_CLEANUP(vdm_buf_release) = {0};
    char fingerprint[20];
    if (cli->json)
        return print_json_key(cli, r, err);
    if (vdm_args_has(args, "fingerprint")) {
        vdm_fingerprint(cli->crypto, &r->key.key, fingerprint);
        printf("%s   %s\n", fingerprint, r->key.name);
        return true;
    }
    if (vdm_args_has(args, "pem")) {
        if (!vdm_key_append_pem(&out, &r->key, err))
            return false;
    } else {
        vdm_vkey_append(&out, &r->key);
        vdm_buf_putc(&out, '\n');
    }
    if (!vdm_buf_ok(&out, err))
        return false;
    fwrite(out.p, 1, out.n, stdout);
    return true;
}

/* By name, all that have it; by a word, the authority or the ledger key in force. */
static bool is_meant(const struct vdm_keyring *ring, uint64_t size, const struct vdm_key_range *r,
                     const char *what)
{
    const struct vdm_key_range *before;
    if (strcmp(what, "authority") == 0)
        return r->role == VDM_ROLE_AUTHORITY;
    if (strcmp(what, "ledger") == 0)
        return r == vdm_keyring_ledger_key(ring, size, &before);
    return strcmp(r->key.name, what) == 0;
}

VDM_COMMAND(key_export)
{
    struct vdm_keyring ring VDM_CLEANUP(vdm_keyring_release) = {0};
    uint64_t size;
    unsigned found = 0;
    (void)status;
    if (vdm_args_has(args, "pem") && vdm_args_has(args, "fingerprint"))
        return vdm_fail_as(err, VDM_ERR_USAGE, "--pem and --fingerprint exclude each other");
    if (!vdm_archive_ring(cli->archive, &ring, &size, err))
        return false;
    for (size_t i = 0; i < ring.count; i++) {
        if (!is_meant(&ring, size, &ring.range[i], args->rest[0]))
            continue;
        found++;
        if (!export_one(cli, &ring.range[i], args, err))
            return false;
    }
    return found || vdm_fail_as(err, VDM_ERR_NOT_FOUND, "the ledger knows no key of the name %s",
                                args->rest[0]);
}

/* --- new --- */

static const struct vdm_opt key_new_options[] = {
    {"role", 0, "ROLE", "signer, auditor or ledger"},
    {"passphrase-file", 0, "FILE", "passphrase for the key in the file's first line"},
    {"no-passphrase", 0, NULL, "the key in the clear: whoever reads the file can sign"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_new = {
    .usage = "[NAME] --role signer|auditor|ledger",
    .summary = "makes a key; the ledger hears of it later",
    .paragraphs =
        {
            "Writes NAME.key and NAME.pub into keys/, the secret one under a passphrase (asked "
            "for twice). It may sign once it is authorized. A ledger key takes the ledger's "
            "name, so NAME can be left out. Where keys/ holds a key of this name that is not "
            "authorized yet, no second one is made.",
        },
    .examples =
        {
            {"vidimus key new badr@archive.example.org --role signer", "a second archivist's key"},
        },
    .options = key_new_options,
};

bool vdm_cli_role(const struct vdm_args *args, enum vdm_key_role *out, struct vdm_err *err)
{
    const char *word = vdm_args_value(args, "role");
    if (!word)
        return vdm_fail_as(err, VDM_ERR_USAGE, "--role is needed: signer, auditor or ledger");
    for (enum vdm_key_role r = VDM_ROLE_SIGNER; r <= VDM_ROLE_LEDGER; r++)
        if (strcmp(word, vdm_role_name(r)) == 0) {
            *out = r;
            return true;
        }
    return vdm_fail_as(err, VDM_ERR_USAGE, "--role is signer, auditor or ledger, not %s", word);
}

/* Where the files could not have the key's name, the file says best which key is meant. */
static void print_next(const struct vdm_cli *cli, const struct vdm_key_made *made,
                       enum vdm_key_role role)
{
    bool here = strcmp(cli->path, ".") == 0;
    fputs("It may sign once the authority's key says so:\n  vidimus ", stdout);
    if (!here) {
        fputs("-C ", stdout);
        vdm_out_str(stdout, cli->path);
        putchar(' ');
    }
    fputs("key authorize ", stdout);
    if (strcmp(made->base, made->vkey.name) == 0) {
        fputs(made->vkey.name, stdout);
    } else {
        if (!here) {
            vdm_out_str(stdout, cli->path);
            putchar('/');
        }
        printf("keys/%s.pub", made->base);
    }
    printf(" --role %s\n", vdm_role_name(role));
}

static bool print_new(struct vdm_cli *cli, const struct vdm_key_made *made, enum vdm_key_role role,
                      bool locked, struct vdm_err *err)
{
    char fingerprint[20];
    vdm_fingerprint(cli->crypto, &made->vkey.key, fingerprint);
    if (cli->json)
        return vdm_json_print(json_pack("{s:s,s:s,s:s,s:s}", "name", made->vkey.name, "fingerprint",
                                        fingerprint, "role", vdm_role_name(role), "file",
                                        made->base),
                              err);
    printf("Made keys/%s.key and keys/%s.pub.\n", made->base, made->base);
    vdm_key_print(cli, "  ", role, &made->vkey);
    if (!locked)
        puts("The key has no passphrase: whoever can read it can sign.");
    print_next(cli, made, role);
    return true;
}

VDM_COMMAND(key_new)
{
    struct vdm_cli_lock lock VDM_CLEANUP(vdm_cli_lock_release) = {0};
    const char *name = args->rests ? args->rest[0] : NULL;
    struct vdm_key_made made;
    enum vdm_key_role role;
    (void)status;
    if (!vdm_cli_role(args, &role, err) || !vdm_key_check_name(cli->archive, role, &name, err) ||
        !vdm_key_check_new(cli->archive, name, err) ||
        !vdm_cli_lock(&lock, args, "passphrase-file", name, err) ||
        !vdm_key_make(cli->archive, name, vdm_cli_lock_of(&lock), &made, err))
        return false;
    return print_new(cli, &made, role, lock.locked, err);
}

/* --- passwd --- */

static const struct vdm_opt key_passwd_options[] = {
    {"passphrase-file", 0, "FILE", "the old passphrase, in the file's first line"},
    {"new-passphrase-file", 0, "FILE", "the new one"},
    {"no-passphrase", 0, NULL, "take the passphrase off: whoever reads the file can sign"},
    {NULL, 0, NULL, NULL},
};

const struct vdm_manual vdm_manual_key_passwd = {
    .usage = "NAME|FILE.key",
    .summary = "a new passphrase for a secret key, or none",
    .paragraphs =
        {
            "NAME is that of a key in keys/, or `authority` or `ledger`. The file holds the old "
            "form or the new one at every moment. What the old one held may stay on the disk: "
            "after a theft, revoke the key.",
        },
    .examples =
        {
            {"vidimus key passwd /media/usb/authority.key", "a key that lies elsewhere"},
        },
    .options = key_passwd_options,
    .arguments = "own-key file",
};

VDM_COMMAND(key_passwd)
{
    struct vdm_cli_lock lock VDM_CLEANUP(vdm_cli_lock_release) = {0};
    struct vdm_key_opened key VDM_CLEANUP(vdm_key_opened_release) = {0};
    (void)status;
    if (!vdm_key_file_open(cli->crypto, cli->path, args->rest[0], &cli->passphrases, &key, err) ||
        !vdm_cli_lock(&lock, args, "new-passphrase-file", "the key from now on", err) ||
        !vdm_key_file_lock(&key, vdm_cli_lock_of(&lock), err))
        return false;
    if (cli->json)
        return vdm_json_print(json_pack("{s:s,s:b}", "name", vdm_signer_vkey(key.signer)->name,
                                        "passphrase", lock.locked),
                              err);
    vdm_out_str(stdout, key.path);
    puts(lock.locked ? " has a new passphrase."
                     : " has no passphrase now: whoever can read it can sign.");
    return true;
}
