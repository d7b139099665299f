/* SPDX-License-Identifier: MIT */
/* The worker, attacked from inside: with all that is in force; then with layers taken away, since the
 * outer ones would otherwise hide a hole in those behind. By its one thread, and by one of several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "sandbox/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (UINT64_C(1) << 20)

static const struct vdm_worker_limits usual = {.memory_bytes = 512 * MIB, .cpu_seconds = 30};

/* What an attack has to work with, and its answer: errno, or 0 when it succeeded. */
struct attack {
    int (*run)(const struct attack *a);
    int secret; /* a descriptor that the worker was not given */
    int given;
    char *folder;
    pid_t parent;
    bool in_thread; /* not by the thread that the worker began with */
    struct vdm_pool *pool;
};

static int result(long k)
{
    return k < 0 ? errno : 0;
}

struct in_thread {
    const struct attack *a;
    atomic_int answer;
};

static void attack_in_thread(void *ctx, unsigned worker, size_t item)
{
    struct in_thread *t = ctx;
    (void)item;
    atomic_store(&t->answer, worker ? t->a->run(t->a) : 9998);
}

/* Waits without a system call. */
static int answer_of_thread(const struct attack *a)
{
    struct in_thread t = {.a = a, .answer = -2};
    if (vdm_pool_workers(a->pool) < 2)
        return 9999;
    vdm_pool_start(a->pool, 1, attack_in_thread, &t);
    while (atomic_load(&t.answer) == -2)
        ;
    return atomic_load(&t.answer);
}

static void attack(void *ctx, int channel, const struct vdm_protection *p)
{
    const struct attack *a = ctx;
    (void)p;
    int answer = a->in_thread ? answer_of_thread(a) : a->run(a);
    if (!vdm_message_send(channel, (struct vdm_bytes){(const uint8_t *)&answer, sizeof answer}))
        _exit(9);
}

/* The answer, or -1 and how the worker died instead. */
static int outcome(struct attack *a, const struct vdm_worker_limits *limits, int out,
                   struct vdm_err *err)
{
    struct vdm_worker w;
    int answer = -1;
    size_t got = 0;
    a->parent = getpid();
    const struct vdm_worker_job job = {.run = attack,
                                       .ctx = a,
                                       .keep = &a->given,
                                       .keeps = 1,
                                       .out = out,
                                       .pool = a->in_thread ? &a->pool : NULL,
                                       .limits = *limits};
    assert_true(vdm_worker_start(&w, &job, err));
    enum vdm_heard heard =
        vdm_message_receive(w.channel, -1, (uint8_t *)&answer, sizeof answer, &got);
    if (!vdm_worker_end(&w, err))
        return -1;
    assert_int_equal(heard, VDM_HEARD);
    assert_int_equal(got, sizeof answer);
    return answer;
}

/* Where there is one processor, there is one thread. */
static int ways(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1 ? 2 : 1;
}

static void dies(int (*run)(const struct attack *), const char *word)
{
    for (int way = 0; way < ways(); way++) {
        struct attack a = {.run = run, .given = -1, .secret = -1, .in_thread = way};
        struct vdm_err err = {0};
        assert_int_equal(outcome(&a, &usual, -1, &err), -1);
        if (!strstr(err.text, word))
            fail_msg("way %d: %s", way, err.text);
    }
}

static void answers(struct attack *a, int answer)
{
    for (int way = 0; way < ways(); way++) {
        struct vdm_err err = {0};
        a->in_thread = way;
        assert_int_equal(outcome(a, &usual, -1, &err), answer);
    }
}

/* --- attacks --- */

static int opens(const struct attack *a)
{
    (void)a;
    return result(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int writes_file(const struct attack *a)
{
    (void)a;
    return result(open("/tmp/vidimus-worker-was-here", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static int makes_folder(const struct attack *a)
{
    return result(mkdir(a->folder ? a->folder : "/tmp/vidimus-worker-was-here", 0700));
}

static int truncates(const struct attack *a)
{
    return result(truncate(a->folder, 0));
}

static int removes(const struct attack *a)
{
    return result(unlink(a->folder));
}

static int makes_socket(const struct attack *a)
{
    (void)a;
    return result(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int connects(const struct attack *a)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return result(connect(a->given, (const struct sockaddr *)&to, sizeof to));
}

static int forks(const struct attack *a)
{
    (void)a;
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return result(child);
}

static void *nothing(void *arg)
{
    return arg;
}

static int starts_thread(const struct attack *a)
{
    pthread_t t;
    (void)a;
    return pthread_create(&t, NULL, nothing, NULL);
}

/* As a thread is started by the older call, whose flags a filter could read. */
static int clones(const struct attack *a)
{
    (void)a;
    const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
    return result(syscall(SYS_clone, flags, NULL, NULL, NULL, NULL));
}

static int executes(const struct attack *a)
{
    (void)a;
    return result(execl("/bin/true", "true", (char *)NULL));
}

static int signals_parent(const struct attack *a)
{
    return result(kill(a->parent, SIGCONT));
}

static int thread_signals_parent(const struct attack *a)
{
    return result(syscall(SYS_tgkill, a->parent, a->parent, SIGCONT));
}

static int traces(const struct attack *a)
{
    return result(ptrace(PTRACE_ATTACH, a->parent, NULL, NULL));
}

static int types_into_terminal(const struct attack *a)
{
    (void)a;
    return result(syscall(SYS_ioctl, 2, 0x5412 /* TIOCSTI */, "x"));
}

static int asks_for_files(const struct attack *a)
{
    struct stat st;
    (void)a;
    return result(fstatat(AT_FDCWD, "/etc/passwd", &st, 0));
}

static int maps_code(const struct attack *a)
{
    (void)a;
    void *p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return result(p == MAP_FAILED ? -1 : 0);
}

static int makes_code(const struct attack *a)
{
    (void)a;
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int maps_file(const struct attack *a)
{
    void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, a->given, 0);
    return result(p == MAP_FAILED ? -1 : 0);
}

static int reads_secret(const struct attack *a)
{
    char byte;
    return result(read(a->secret, &byte, 1));
}

static int reads_given(const struct attack *a)
{
    char byte = 0;
    return read(a->given, &byte, 1) == 1 && byte == 'g' ? 0 : EIO;
}

#ifndef VDM_SANITIZED
static int takes_memory(const struct attack *a)
{
    (void)a;
    volatile char *p = malloc((size_t)(2048 * MIB));
    if (!p)
        return ENOMEM;
    p[0] = 1;
    return 0;
}

/* The threads must not have the addresses that the work needs. */
static int takes_half(const struct attack *a)
{
    (void)a;
    void *p = malloc((size_t)(300 * MIB)), *more = malloc(64);
    return p && more ? 0 : ENOMEM;
}
#endif

static int spins(const struct attack *a)
{
    volatile bool more = a != NULL;
    while (more)
        ;
    return 0;
}

static int writes_much(const struct attack *a)
{
    static const char piece[65536];
    (void)a;
    for (int i = 0; i < 64; i++)
        if (write(1, piece, sizeof piece) < 0)
            return errno;
    return 0;
}

static int crashes(const struct attack *a)
{
    (void)a;
    signal(SIGSEGV, SIG_DFL);  /* past a sanitizer's handler */
    const sigset_t none = {0}; /* which threads of a pool have blocked */
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    syscall(SYS_tgkill, getpid(), gettid(), SIGSEGV);
    return 0;
}

static int aborts(const struct attack *a)
{
    (void)a;
    abort();
}

static int breaks_off(const struct attack *a)
{
    (void)a;
    _exit(7);
}

static int widens_limit(const struct attack *a)
{
    const struct rlimit wide = {RLIM_INFINITY, RLIM_INFINITY};
    (void)a;
    return result(setrlimit(RLIMIT_NOFILE, &wide));
}

/* --- all in force --- */

static void test_protection(void **state)
{
    (void)state;
    struct vdm_protection p;
    struct vdm_err err;
    struct vdm_buf text VDM_CLEANUP(vdm_buf_release) = {0};
    assert_true(vdm_protection_probe(&p, &usual, &err));
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    assert_int_equal(p.landlock, abi > 0 ? abi : 0);
    assert_int_equal(p.seccomp, syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0);
    assert_int_equal(p.limits.cpu_seconds, 30);
#ifndef VDM_SANITIZED
    assert_int_equal(p.limits.memory_bytes, 512 * MIB);
#endif
    vdm_protection_describe(&p, &text);
    vdm_buf_putc(&text, 0);
    assert_non_null(strstr((const char *)text.p, p.seccomp ? ", seccomp, " : "no seccomp"));
}

static bool kills(void)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
        return true;
    print_message("this kernel has no seccomp that kills: nothing to be seen here\n");
    return false;
}

static void test_calls_kill(void **state)
{
    static int (*const attacks[])(const struct attack *) = {
        makes_folder,   makes_socket,          forks,    starts_thread, clones,    executes,
        signals_parent, thread_signals_parent, connects, traces,        maps_code, makes_code,
    };
    (void)state;
    for (size_t i = 0; kills() && i < sizeof attacks / sizeof *attacks; i++)
        dies(attacks[i], "system call that it may not make");
}

/* A sanitizer makes these to write its report; there they only fail. */
static void test_calls_of_sanitizers(void **state)
{
    static int (*const attacks[])(const struct attack *) = {opens, writes_file, types_into_terminal,
                                                            widens_limit};
    (void)state;
    for (size_t i = 0; kills() && i < sizeof attacks / sizeof *attacks; i++) {
#ifdef VDM_SANITIZED
        answers(&(struct attack){.run = attacks[i], .given = -1}, EPERM);
#else
        dies(attacks[i], "system call that it may not make");
#endif
    }
    assert_int_equal(access("/tmp/vidimus-worker-was-here", F_OK), -1);
}

static void test_files_are_no_code(void **state)
{
    (void)state;
    struct vdm_err err;
    struct attack a = {.run = maps_file, .secret = -1, .given = memfd_create("x", MFD_CLOEXEC)};
    assert_int_equal(ftruncate(a.given, 4096), 0);
    if (kills())
        assert_int_equal(outcome(&a, &usual, -1, &err), -1);
    close(a.given);
}

static void test_no_answer_about_files(void **state)
{
    (void)state;
    struct attack a = {.run = asks_for_files, .given = -1};
    if (kills())
        answers(&a, EPERM);
}

static void test_descriptors(void **state)
{
    (void)state;
    int given[2], secret[2];
    assert_int_equal(pipe(given) | pipe(secret), 0);
    assert_int_equal(write(given[1], "gg", 2) + write(secret[1], "s", 1), 3);
    struct attack a = {.run = reads_secret, .secret = secret[0], .given = given[0]};
    answers(&a, EBADF);
    a.run = reads_given;
    answers(&a, 0);
    a = (struct attack){.run = reads_secret, .secret = 0, .given = -1}; /* /dev/null */
    answers(&a, 0);
    for (int i = 0; i < 2; i++)
        close(given[i]), close(secret[i]);
}

static void test_memory(void **state)
{
    (void)state;
#ifdef VDM_SANITIZED
    skip(); /* the sanitizers take terabytes of addresses */
#else
    struct vdm_err err;
    struct attack a = {.run = takes_memory, .given = -1};
    answers(&a, ENOMEM);
    a.run = takes_half;
    answers(&a, 0);
    a = (struct attack){.run = takes_memory, .given = -1};
    const struct vdm_worker_limits wide = {.memory_bytes = 4096 * MIB};
    assert_int_equal(outcome(&a, &wide, -1, &err), 0);
#endif
}

static void test_cpu(void **state)
{
    (void)state;
    struct vdm_err err;
    const struct vdm_worker_limits second = {.cpu_seconds = 1};
    for (int way = 0; way < ways(); way++) {
        struct attack a = {.run = spins, .given = -1, .in_thread = way};
        assert_int_equal(outcome(&a, &second, -1, &err), -1);
        assert_string_equal(err.text, "the worker used up its 1 s of CPU time");
    }
}

static void test_output_is_bounded(void **state)
{
    (void)state;
    struct vdm_err err;
    struct stat st;
    int out = memfd_create("x", MFD_CLOEXEC);
    struct attack a = {.run = writes_much, .given = -1};
    const struct vdm_worker_limits small = {.file_bytes = MIB};
    assert_int_equal(outcome(&a, &small, out, &err), -1);
    assert_string_equal(err.text, "what the worker wrote outgrew its 1 MiB");
    assert_int_equal(fstat(out, &st), 0);
    assert_true(st.st_size <= (off_t)MIB);
    close(out);
}

static void test_ends(void **state)
{
    (void)state;
    dies(crashes, "crashed (Segmentation fault)");
    dies(aborts, "crashed (Aborted)");
    dies(breaks_off, "broke off with status 7");
}

/* A limit that is stricter already stays, and that is what is told. */
static void test_limits_are_not_widened(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit strict = {5, 6};
        struct vdm_protection p;
        bool good = setrlimit(RLIMIT_CPU, &strict) == 0 && vdm_protection_probe(&p, &usual, NULL) &&
                    p.limits.cpu_seconds == 5;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* --- layers alone --- */

/* In a process of its own, in which these calls are not there: the answer of the attack, or 99. */
static int without(const int *missing, size_t n, struct attack *a)
{
    pid_t child = fork();
    if (child == 0) {
        struct vdm_err err;
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        for (size_t i = 0; i < n; i++)
            if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), missing[i], 0) != 0)
                _exit(98);
        if (seccomp_load(filter) != 0)
            _exit(97);
        int answer = outcome(a, &usual, -1, &err);
        _exit(answer < 0 ? 99 : answer);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void answers_without(const int *missing, size_t n, struct attack *a, int answer)
{
    for (int way = 0; way < ways(); way++) {
        a->in_thread = way;
        assert_int_equal(without(missing, n, a), answer);
    }
}

static void test_landlock_alone(void **state)
{
    (void)state;
    const int seccomp[] = {SCMP_SYS(seccomp)};
    char folder[] = "/tmp/vidimus-worker-XXXXXX";
    int file = mkstemp(folder);
    struct attack a = {.folder = folder, .given = -1};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
    assert_true(file >= 0);
    if (!kills() || abi < 6) {
        print_message("Landlock ABI %ld: nothing to be seen here\n", abi);
    } else {
        a.run = removes;
        answers_without(seccomp, 1, &a, EACCES);
        a.run = truncates;
        answers_without(seccomp, 1, &a, EACCES);
        a.run = executes;
        answers_without(seccomp, 1, &a, EACCES);
        a.run = signals_parent;
        answers_without(seccomp, 1, &a, EPERM);
        a.run = traces;
        answers_without(seccomp, 1, &a, EPERM);
        a.run = connects;
        a.given = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        answers_without(seccomp, 1, &a, EACCES);
        close(a.given);
    }
    assert_int_equal(unlink(folder), 0);
    close(file);
}

/* Where the kernel has neither, no descriptor can be had any more, by nobody. */
static void test_limits_alone(void **state)
{
    (void)state;
    const int both[] = {SCMP_SYS(seccomp), SCMP_SYS(landlock_create_ruleset)};
    struct attack a = {.given = -1};
    if (!kills())
        return;
    a.run = opens;
    answers_without(both, 2, &a, EMFILE);
    a.run = makes_socket;
    answers_without(both, 2, &a, EMFILE);
    a.run = widens_limit;
    answers_without(both, 2, &a, EPERM);
}

/* --- life and death --- */

static void waits(void *ctx, int channel, const struct vdm_protection *p)
{
    uint8_t byte;
    size_t got;
    (void)ctx;
    (void)p;
    while (vdm_message_receive(channel, -1, &byte, 1, &got) == VDM_HEARD)
        if (!vdm_message_send(channel, (struct vdm_bytes){&byte, 1}))
            return;
}

static bool is_there(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void test_messages(void **state)
{
    (void)state;
    struct vdm_worker w;
    struct vdm_err err;
    uint8_t answer[2] = {0};
    size_t got = 0;
    const struct vdm_worker_job job = {.run = waits, .out = -1, .limits = usual};
    assert_true(vdm_worker_start(&w, &job, &err));
    assert_int_equal(vdm_message_receive(w.channel, 0, answer, 2, &got), VDM_HEARD_NOTHING);
    kill(w.pid, SIGINT); /* Ctrl-C is the parent's business */
    assert_true(vdm_worker_send(&w, VDM_LIT("a")));
    assert_int_equal(vdm_message_receive(w.channel, 5000, answer, 2, &got), VDM_HEARD);
    assert_true(got == 1 && answer[0] == 'a');
    pid_t pid = w.pid;
    assert_true(vdm_worker_end(&w, &err));
    assert_false(is_there(pid)); /* a zombie would be */
}

static void test_killed(void **state)
{
    (void)state;
    struct vdm_worker w;
    struct vdm_err err;
    uint8_t byte;
    size_t got;
    const struct vdm_worker_job job = {.run = waits, .out = -1, .limits = usual};
    for (int i = 0; i < 2; i++) {
        assert_true(vdm_worker_start(&w, &job, &err));
        pid_t pid = w.pid;
        kill(pid, SIGKILL);
        assert_int_equal(vdm_message_receive(w.channel, 5000, &byte, 1, &got), VDM_HEARD_END);
        assert_false(vdm_worker_send(&w, VDM_LIT("a"))); /* and no SIGPIPE */
        if (i == 0)
            assert_false(vdm_worker_end(&w, &err));
        vdm_worker_stop(&w);
        assert_false(is_there(pid));
    }
    assert_non_null(strstr(err.text, "was killed"));
}

static void stays(void *ctx, int channel, const struct vdm_protection *p)
{
    (void)ctx;
    (void)channel;
    (void)p;
    for (volatile int i = 1; i;)
        ;
}

/* Whoever kills the parent kills the worker, even one that listens to nobody. */
static void test_no_orphan(void **state)
{
    (void)state;
    int told[2];
    pid_t pid = 0;
    assert_int_equal(pipe(told), 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t parent = fork();
    if (parent == 0) {
        struct vdm_worker w;
        struct vdm_pool *pool;
        const struct vdm_worker_job job = {.run = stays,
                                           .out = -1,
                                           .pool = &pool,
                                           .limits = {.cpu_seconds = 3}}; /* or a failure hangs */
        if (vdm_worker_start(&w, &job, NULL) && write(told[1], &w.pid, sizeof w.pid) > 0)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status;
    assert_int_equal(read(told[0], &pid, sizeof pid), sizeof pid);
    assert_int_equal(waitpid(parent, &status, 0), parent);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    close(told[0]);
    close(told[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protection),
        cmocka_unit_test(test_calls_kill),
        cmocka_unit_test(test_calls_of_sanitizers),
        cmocka_unit_test(test_files_are_no_code),
        cmocka_unit_test(test_no_answer_about_files),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_cpu),
        cmocka_unit_test(test_output_is_bounded),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_limits_are_not_widened),
        cmocka_unit_test(test_landlock_alone),
        cmocka_unit_test(test_limits_alone),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_no_orphan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
