/* SPDX-License-Identifier: MIT */
/* LD_PRELOAD: a passphrase opens a key file with a four-thousandth of the memory it asks for, hence at once. Whatever
 * is asked for still counts, as it does in earnest. Key files made so are of no use without this. */
#include <dlfcn.h>
#include <sodium.h>

typedef int derivation(unsigned char *, unsigned long long, const char *, unsigned long long,
                       const unsigned char *, unsigned long long, size_t, int);

int crypto_pwhash(unsigned char *const out, unsigned long long out_n, const char *const passphrase,
                  unsigned long long passphrase_n, const unsigned char *const salt,
                  unsigned long long ops, size_t memory, int algorithm)
{
    derivation *earnest;
    *(void **)&earnest = dlsym(RTLD_NEXT, "crypto_pwhash");
    size_t less = memory >> 12;
    return earnest(out, out_n, passphrase, passphrase_n, salt, ops,
                   less < crypto_pwhash_MEMLIMIT_MIN ? crypto_pwhash_MEMLIMIT_MIN : less,
                   algorithm);
}
