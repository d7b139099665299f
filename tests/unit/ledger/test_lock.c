/* SPDX-License-Identifier: MIT */
/* Waiting for another writer, with a clock and a list of locks of our own: how long, what is told, and who
 * is named. */
#include "support/scarce.h"

#include "unit/ledger/ledger_kit.h"

#include "base/file.h"
#include "base/limits.h"
#include "base/time.h"

#include <sys/file.h>
#include <sys/sysmacros.h>

static uint64_t now;           /* milliseconds */
static uint64_t free_at;       /* when the lock can be had */
static int flock_errno;        /* until then */
static const char *locks;      /* /proc/locks; @: the place of the store folder */
static const char *comm;       /* what the holder's /proc/PID/comm says */
static const char *unreadable; /* which of both fails, after all of it was read */
static char place[64];

int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);
int __wrap_usleep(useconds_t n);
uint64_t __wrap_vdm_clock_ms(void);
bool __wrap_vdm_file_read(int dir, const char *path, size_t limit, struct vdm_buf *out,
                          struct vdm_err *err);

int __wrap_flock(int fd, int how)
{
    if (how == LOCK_UN || now >= free_at)
        return __real_flock(fd, how);
    errno = flock_errno;
    return -1;
}

int __wrap_usleep(useconds_t n)
{
    now += n / 1000;
    return 0;
}

uint64_t __wrap_vdm_clock_ms(void)
{
    return now;
}

bool __wrap_vdm_file_read(int dir, const char *path, size_t limit, struct vdm_buf *out,
                          struct vdm_err *err)
{
    (void)dir;
    (void)limit;
    bool list = strcmp(path, "/proc/locks") == 0;
    if (list) {
        for (const char *s = locks; *s; s++)
            if (*s == '@')
                vdm_buf_puts(out, place);
            else
                vdm_buf_putc(out, *s);
    } else {
        /* 0 is the kernel, and nobody who could hold the lock. */
        vdm_buf_puts(out, strcmp(path, "/proc/4242/comm") == 0 ? comm : "kernel\n");
    }
    return !unreadable || !strstr(path, unreadable) || vdm_fail(err, "%s", path);
}

static int setup(void **state)
{
    struct stat st;
    if (kit_setup(state) != 0)
        return -1;
    struct kit *k = *state;
    assert_int_equal(stat(k->dir, &st), 0);
    snprintf(place, sizeof place, "%02x:%02x:%llu", major(st.st_dev), minor(st.st_dev),
             (unsigned long long)st.st_ino);
    now = 1000000;
    free_at = UINT64_MAX;
    flock_errno = EWOULDBLOCK;
    locks = "1: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n";
    comm = "importer\n";
    unreadable = NULL;
    return 0;
}

static void how_long(void **state)
{
    struct kit *k = *state;
    free_at = now + 1999;
    MUST(vdm_ledger_lock(k->l, 2, NULL, &k->err));
    assert_int_equal(now, 1000000 + 2000);
    vdm_ledger_unlock(k->l);
    free_at = UINT64_MAX;
    MUST_NOT(vdm_ledger_lock(k->l, 2, NULL, &k->err), "has been writing to the ledger for 2 s");
    assert_int_equal(now, 1000000 + 4000);
    MUST_NOT(vdm_ledger_lock(k->l, 0, NULL, &k->err), "has been writing to the ledger for 0 s");
    assert_int_equal(now, 1000000 + 4000);
}

/* A signal is no reason to give up; anything else is. */
static void other_errors(void **state)
{
    struct kit *k = *state;
    free_at = now + 10;
    flock_errno = EINTR;
    MUST(vdm_ledger_lock(k->l, 1, NULL, &k->err));
    vdm_ledger_unlock(k->l);
    free_at = now + 10;
    flock_errno = ENOLCK;
    MUST_NOT(vdm_ledger_lock(k->l, 1, NULL, &k->err), "lock the ledger: ");
}

static struct {
    int times;
    uint64_t at;
    char who[128];
} heard;

static void hear(void *ctx, const char *who)
{
    assert_ptr_equal(ctx, &heard);
    heard.times++;
    heard.at = now;
    snprintf(heard.who, sizeof heard.who, "%s", who);
}

static void what_is_told(void **state)
{
    struct kit *k = *state;
    struct vdm_ledger_wait wait = {.tell = hear, .ctx = &heard}, silent = {0};
    memset(&heard, 0, sizeof heard);
    free_at = now + VDM_LEDGER_WAIT_MS - 5;
    MUST(vdm_ledger_lock(k->l, 10, &wait, &k->err));
    assert_int_equal(heard.times, 0);
    vdm_ledger_unlock(k->l);
    uint64_t begun = now;
    free_at = now + VDM_LEDGER_WAIT_MS + 500;
    MUST(vdm_ledger_lock(k->l, 10, &wait, &k->err));
    assert_int_equal(heard.times, 1);
    assert_int_equal(heard.at, begun + VDM_LEDGER_WAIT_MS);
    assert_string_equal(heard.who, "another program, importer (process 4242)");
    vdm_ledger_unlock(k->l);
    free_at = now + VDM_LEDGER_WAIT_MS + 500;
    MUST(vdm_ledger_lock(k->l, 10, &silent, &k->err));
    assert_int_equal(heard.times, 1);
}

#define KNOWN   "another program, importer (process 4242), has been"
#define UNKNOWN "another program, has been"

static void who_it_is(void **state)
{
    static const struct {
        const char *locks, *comm;
        const char *unreadable;
        const char *words;
    } cases[] = {
        {"1: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n", "importer\n", NULL, KNOWN},
        /* Of another file, of another kind, of one that waits as we do. */
        {"1: FLOCK  ADVISORY  WRITE 77 ff:ff:1 0 EOF\n2: POSIX  ADVISORY  WRITE 78 @ 0 EOF\n"
         "3: -> FLOCK  ADVISORY  WRITE 79 @ 0 EOF\n4: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n",
         "importer\n", NULL, KNOWN},
        {"1: FLOCK  ADVISORY  WRITE 4242 ff:ff:1 0 EOF\n", "importer\n", NULL, UNKNOWN},
        {"1: POSIX  ADVISORY  WRITE 4242 @ 0 EOF\n", "importer\n", NULL, UNKNOWN},
        {"1: FLOCK  ADVISORY  WRITE -1 @ 0 EOF\n", "importer\n", NULL, UNKNOWN},
        {"1: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n", "", NULL, UNKNOWN},
        {"1: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n", "impor", NULL, UNKNOWN},
        {"1: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n", "importer\n", "locks", UNKNOWN},
        {"1: FLOCK  ADVISORY  WRITE 4242 @ 0 EOF\n", "importer\n", "comm", UNKNOWN},
    };
    struct kit *k = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        locks = cases[i].locks;
        comm = cases[i].comm;
        unreadable = cases[i].unreadable;
        MUST_NOT(vdm_ledger_lock(k->l, 0, NULL, &k->err), "another program");
        if (strncmp(k->err.text, cases[i].words, strlen(cases[i].words)) != 0)
            fail_msg("case %zu: %s", i, k->err.text);
    }
}

/* Without memory the error is the same; who it is may be left out. */
static void without_memory(void **state)
{
    struct kit *k = *state;
    for (unsigned n = 1; n == 1 || scarce_failed; n++) {
        scarce_failed = false;
        scarce_left = n;
        bool ok = vdm_ledger_lock(k->l, 0, NULL, &k->err);
        scarce_left = 0;
        assert_false(ok);
        if (strncmp(k->err.text, KNOWN, strlen(KNOWN)) != 0)
            assert_true(scarce_failed && strncmp(k->err.text, UNKNOWN, strlen(UNKNOWN)) == 0);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(how_long),  TEST(other_errors),   TEST(what_is_told),
        TEST(who_it_is), TEST(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
