/* SPDX-License-Identifier: MIT */
#include "keys_test.h"

#include "keys/passphrase.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>

/* ---- from a file ---- */

static void assert_read(struct place *p, struct vdm_bytes file, struct vdm_bytes want)
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    struct vdm_err err = {0};
    put_file(p, "pass", file, 0600);
    if (!vdm_passphrase_read(&s, p->fd, "pass", &err))
        fail_msg("%s", err.text);
    assert_true(vdm_bytes_equal((struct vdm_bytes){s.p, s.n}, want));
}

static void assert_not_read(struct place *p, struct vdm_bytes file, mode_t mode, const char *word)
{
    struct vdm_secret s = {0};
    struct vdm_err err = {0};
    put_file(p, "pass", file, mode);
    assert_false(vdm_passphrase_read(&s, p->fd, "pass", &err));
    assert_error(&err, VDM_ERR_FAILED, word);
    assert_null(s.p);
}

static void test_first_line_of_a_file(void **state)
{
    struct place *p = *state;
    assert_read(p, VDM_LIT("word"), VDM_LIT("word"));
    assert_read(p, VDM_LIT("word\n"), VDM_LIT("word"));
    assert_read(p, VDM_LIT("word\r\n"), VDM_LIT("word"));
    assert_read(p, VDM_LIT(" two words \nmore\n"), VDM_LIT(" two words "));
    assert_read(p, VDM_LIT("a\rb\n"), VDM_LIT("a\rb"));
    assert_read(p, VDM_LIT("caf\xC3\xA9\n"), VDM_LIT("caf\xC3\xA9"));
}

static void test_file_refused(void **state)
{
    struct place *p = *state;
    assert_not_read(p, VDM_LIT(""), 0600, "empty");
    assert_not_read(p, VDM_LIT("\nword\n"), 0600, "empty");
    assert_not_read(p, VDM_LIT("\r\n"), 0600, "empty");
    assert_not_read(p, VDM_LIT("word\n"), 0640, "chmod 600");
    assert_not_read(p, VDM_LIT("word\n"), 0604, "mode 0604");
    struct vdm_secret s = {0};
    struct vdm_err err = {0};
    assert_false(vdm_passphrase_read(&s, p->fd, "none", &err));
    assert_error(&err, VDM_ERR_NOT_FOUND, "none");
}

static void test_file_bound(void **state)
{
    struct place *p = *state;
    uint8_t line[2 * VDM_PASSPHRASE_MAX];
    memset(line, 'x', sizeof line);
    struct vdm_bytes want = {line, VDM_PASSPHRASE_MAX};
    assert_read(p, want, want);
    assert_not_read(p, (struct vdm_bytes){line, VDM_PASSPHRASE_MAX + 1}, 0600, "longer");
    assert_not_read(p, (struct vdm_bytes){line, sizeof line}, 0600, "longer");
    memcpy(line + VDM_PASSPHRASE_MAX, "\r\n", 2);
    assert_read(p, (struct vdm_bytes){line, sizeof line}, want);
    memcpy(line + VDM_PASSPHRASE_MAX, "x\n", 2);
    assert_not_read(p, (struct vdm_bytes){line, sizeof line}, 0600, "longer");
}

/* ---- from a terminal ----
 *
 * A shell in small (a session leader with a terminal of its own) runs one job in the foreground:
 * the job asks. The shell tells what became of it, and whether the echo is on then. It has to
 * outlive the job, for the kernel resets a terminal when its session ends. */

enum job_signals {
    SIGNALS_DEFAULT,
    SIGNALS_HANDLED,
    SIGNALS_IGNORED,
};
struct job {
    bool twice;
    enum job_signals signals;
};
struct shell {
    pid_t pid;
    pid_t job;
    int terminal; /* the person's side */
    int report;   /* lines from shell and job */
    char screen[4096];
};

static void ignore(int sig)
{
    (void)sig;
}

static void job_run(struct job job, int report)
{
    struct vdm_secret s = {0};
    struct vdm_err err = {0};
    struct sigaction action = {.sa_handler = job.signals == SIGNALS_HANDLED ? ignore : SIG_IGN};
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(STDIN_FILENO, getpid());
    signal(SIGTTOU, SIG_DFL);
    if (job.signals != SIGNALS_DEFAULT) {
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
    }
    dprintf(report, "job %d\n", (int)getpid());
    if (vdm_passphrase_ask(&s, "amal\x1B@example.org", job.twice, &err))
        dprintf(report, "got <%.*s>\n", (int)(s.n < 20 ? s.n : 20), (const char *)s.p);
    else
        dprintf(report, "error %d %s\n", err.kind, err.text);
    dprintf(report, "left with secret: %s\n", s.p ? "yes" : "no");
    vdm_secret_release(&s);
    _exit(0);
}

static void shell_run(struct job job, int report)
{
    pid_t pid = fork();
    if (pid == 0)
        job_run(job, report);
    for (int status = 0; waitpid(pid, &status, WUNTRACED) == pid;) {
        struct termios t;
        const char *echo = tcgetattr(STDIN_FILENO, &t) == 0 && (t.c_lflag & ECHO) ? "on" : "off";
        if (WIFSTOPPED(status)) {
            dprintf(report, "stopped, echo %s\n", echo);
            kill(pid, SIGCONT);
            continue;
        }
        dprintf(report, "ended by %d, echo %s\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0, echo);
        break;
    }
    _exit(0);
}

static struct shell shell_start(struct job job)
{
    struct shell s = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    s.pid = forkpty(&s.terminal, NULL, NULL, NULL);
    assert_true(s.pid >= 0);
    if (s.pid == 0) {
        close(ends[0]);
        shell_run(job, ends[1]);
    }
    close(ends[1]);
    s.report = ends[0];
    return s;
}

/* Read from fd until `word` stands in `seen`, which collects; gives up after a while. */
static bool wait_for(int fd, const char *word, char *seen, size_t cap)
{
    size_t n = strlen(seen);
    while (!strstr(seen, word)) {
        struct pollfd watch = {.fd = fd, .events = POLLIN};
        if (n + 1 == cap || poll(&watch, 1, 5000) != 1)
            return false;
        ssize_t k = read(fd, seen + n, cap - n - 1);
        if (k <= 0)
            return false;
        n += (size_t)k;
        seen[n] = 0;
    }
    return true;
}

static bool echo_is_on(const struct shell *s)
{
    struct termios t;
    assert_int_equal(tcgetattr(s->terminal, &t), 0);
    return t.c_lflag & ECHO;
}

/* Wait for the prompt and type; the prompt is taken off the screen. */
static void answer(struct shell *s, const char *prompt, const char *text)
{
    if (!wait_for(s->terminal, prompt, s->screen, sizeof s->screen))
        fail_msg("no \"%s\" on the screen: \"%s\"", prompt, s->screen);
    char *end = strstr(s->screen, prompt) + strlen(prompt);
    memmove(s->screen, end, strlen(end) + 1);
    assert_false(echo_is_on(s));
    assert_int_equal(write(s->terminal, text, strlen(text)), (ssize_t)strlen(text));
}

static void shell_end(struct shell *s, const char *report, const char *screen)
{
    char seen[2048] = "", want[2048];
    /* All there is, until both sides have closed. */
    wait_for(s->report, "never there", seen, sizeof seen);
    wait_for(s->terminal, "never there", s->screen, sizeof s->screen);
    assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
    close(s->report);
    close(s->terminal);
    const char *rest = strncmp(seen, "job ", 4) == 0 ? strchr(seen, '\n') : NULL;
    snprintf(want, sizeof want, "\n%s\n", report);
    assert_string_equal(rest ? rest : seen, want);
    assert_string_equal(s->screen, screen);
}

#define PROMPT "Passphrase for amal\\x1b@example.org: "
#define AGAIN  "The same once more: "
#define GOT(x) "got <" x ">\nleft with secret: yes\nended by 0, echo on"
/* vdm_err_kind of VDM_ERR_FAILED and VDM_ERR_INTERRUPTED */
#define FAILED(x)      "error 1 passphrase: " x "\nleft with secret: no\nended by 0, echo on"
#define INTERRUPTED(x) "error 6 passphrase: " x "\nleft with secret: no\nended by 0, echo on"

static void test_ask_once(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT, "secret word\n");
    shell_end(&s, GOT("secret word"), "\r\n");
}

static void test_ask_twice(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){.twice = true});
    answer(&s, PROMPT, "word\n");
    answer(&s, AGAIN, "word\n");
    shell_end(&s, GOT("word"), "\r\n");
}

static void test_line_may_be_edited(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT,
           "wrong\x15worm\x7F"
           "d\n");
    shell_end(&s, GOT("word"), "\r\n");
}

static void test_mismatch_then_right(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){.twice = true});
    answer(&s, PROMPT, "one\n");
    answer(&s, AGAIN, "two\n");
    answer(&s, "These two are not the same.\r\n" PROMPT, "three\n");
    answer(&s, AGAIN, "three\n");
    shell_end(&s, GOT("three"), "\r\n");
}

static void test_three_tries(void **state)
{
    (void)state;
    static const char *const second[] = {"two\n", "onee\n", "on\n"};
    struct shell s = shell_start((struct job){.twice = true});
    for (size_t i = 0; i < 3; i++) {
        answer(&s, PROMPT, "one\n");
        answer(&s, AGAIN, second[i]);
    }
    shell_end(&s, FAILED("none after 3 tries"), "\r\nThese two are not the same.\r\n");
}

static void test_empty_is_refused(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT, "\n");
    answer(&s, "An empty passphrase protects nothing.\r\n" PROMPT, "\n");
    answer(&s, PROMPT, "\n");
    shell_end(&s, FAILED("none after 3 tries"), "\r\nAn empty passphrase protects nothing.\r\n");
}

static void test_end_of_input(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT, "\x04");
    shell_end(&s, FAILED("none was given"), "\r\n");
}

static void test_line_bound(void **state)
{
    (void)state;
    char line[VDM_PASSPHRASE_MAX + 3];
    memset(line, 'x', sizeof line);
    strcpy(line + VDM_PASSPHRASE_MAX, "\n");
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT, line);
    shell_end(&s, GOT("xxxxxxxxxxxxxxxxxxxx"), "\r\n");
    for (size_t more = 1; more < 3; more++) {
        memset(line, 'x', sizeof line);
        if (more == 1)
            strcpy(line + VDM_PASSPHRASE_MAX + 1, "\n");
        line[sizeof line - 1] = 0;
        s = shell_start((struct job){0});
        answer(&s, PROMPT, line);
        if (more == 2)
            assert_int_equal(write(s.terminal, "rest of a long line\n", 20), 20);
        shell_end(&s, FAILED("longer than 1024 bytes"), "\r\n");
    }
}

static void test_interrupt_restores_the_echo(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT, "half\x03");
    shell_end(&s, "ended by 2, echo on", "\r\n");
    s = shell_start((struct job){.twice = true});
    answer(&s, PROMPT, "word\n");
    answer(&s, AGAIN, "\x1C"); /* quit */
    shell_end(&s, "ended by 3, echo on", "\r\n");
}

static void kill_job(struct shell *s, int sig)
{
    char line[64] = "";
    int pid = 0;
    assert_true(wait_for(s->report, "\n", line, sizeof line));
    assert_int_equal(sscanf(line, "job %d", &pid), 1);
    answer(s, PROMPT, "");
    assert_int_equal(kill(pid, sig), 0);
}

static void test_terminate_restores_the_echo(void **state)
{
    (void)state;
    static const int signals[] = {SIGTERM, SIGHUP};
    for (size_t i = 0; i < 2; i++) {
        struct shell s = shell_start((struct job){0});
        char want[64];
        kill_job(&s, signals[i]);
        snprintf(want, sizeof want, "ended by %d, echo on", signals[i]);
        char seen[256] = "";
        wait_for(s.report, "never there", seen, sizeof seen);
        assert_non_null(strstr(seen, want));
        assert_int_equal(waitpid(s.pid, NULL, 0), s.pid);
        close(s.report);
        close(s.terminal);
    }
}

static void test_handled_signal_is_an_error(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){.signals = SIGNALS_HANDLED});
    answer(&s, PROMPT, "half\x03");
    shell_end(&s, INTERRUPTED("interrupted"), "\r\n");
}

static void test_ignored_signal_changes_nothing(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){.signals = SIGNALS_IGNORED});
    answer(&s, PROMPT, "\x03");
    assert_int_equal(write(s.terminal, "word\n", 5), 5);
    shell_end(&s, GOT("word"), "\r\n");
}

static void test_suspended_and_continued(void **state)
{
    (void)state;
    struct shell s = shell_start((struct job){0});
    answer(&s, PROMPT, "half\x1A");
    answer(&s, "\r\n" PROMPT, "word\n");
    shell_end(&s, "stopped, echo on\n" GOT("word"), "\r\n");
}

static void test_no_terminal(void **state)
{
    (void)state;
    int ends[2];
    char seen[512] = "";
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct vdm_secret s = {0};
        struct vdm_err err = {0};
        setsid();
        bool ok = vdm_passphrase_ask(&s, "amal", false, &err);
        dprintf(ends[1], "%d %d %d %s\n", ok, s.p != NULL, err.kind == VDM_ERR_FAILED, err.text);
        _exit(0);
    }
    close(ends[1]);
    assert_true(wait_for(ends[0], "\n", seen, sizeof seen));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(ends[0]);
    assert_non_null(strstr(seen, "0 0 1 passphrase: no terminal"));
    assert_non_null(strstr(seen, "--passphrase-file FILE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLACE_TEST(test_first_line_of_a_file),
        PLACE_TEST(test_file_refused),
        PLACE_TEST(test_file_bound),
        cmocka_unit_test(test_ask_once),
        cmocka_unit_test(test_ask_twice),
        cmocka_unit_test(test_line_may_be_edited),
        cmocka_unit_test(test_mismatch_then_right),
        cmocka_unit_test(test_three_tries),
        cmocka_unit_test(test_empty_is_refused),
        cmocka_unit_test(test_end_of_input),
        cmocka_unit_test(test_line_bound),
        cmocka_unit_test(test_interrupt_restores_the_echo),
        cmocka_unit_test(test_terminate_restores_the_echo),
        cmocka_unit_test(test_handled_signal_is_an_error),
        cmocka_unit_test(test_ignored_signal_changes_nothing),
        cmocka_unit_test(test_suspended_and_continued),
        cmocka_unit_test(test_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
