/* SPDX-License-Identifier: MIT */
#include "keys/passphrase.h"

#include "base/file.h"
#include "base/text.h"
#include "keys/private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

/* A line with its end (CRLF in a file), and one byte more that shows it is too long. */
#define LINE_CAP (VDM_PASSPHRASE_MAX + 2)

/* Signals are blocked while the echo is off, and watched through a descriptor instead of handlers:
 * so nothing has to be global, and a signal takes its normal effect once the terminal is as it was.
 */
struct terminal {
    int tty;
    int signals;
    sigset_t caught;
    bool masked; /* `mask` is to be put back */
    sigset_t mask;
    bool quiet; /* `modes` are to be put back */
    struct termios modes;
};

/* Pending signals strike within this call. */
static void terminal_restore(struct terminal *t)
{
    if (t->quiet)
        tcsetattr(t->tty, TCSAFLUSH, &t->modes);
    t->quiet = false;
    if (t->masked)
        pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
    t->masked = false;
}

static void terminal_close(struct terminal *t)
{
    terminal_restore(t);
    vdm_fd_close(&t->tty);
    vdm_fd_close(&t->signals);
}

/* One that is ignored would wake us up while it is blocked; one that stops would do so for ever
 * where the caller has it blocked. */
static bool is_of_interest(int sig)
{
    struct sigaction action;
    sigset_t blocked;
    if (sigaction(sig, NULL, &action) != 0 || action.sa_handler == SIG_IGN)
        return false;
    return sig != SIGTSTP ||
           (pthread_sigmask(SIG_BLOCK, NULL, &blocked) == 0 && sigismember(&blocked, SIGTSTP) == 0);
}

static bool terminal_open(struct terminal *t, struct vdm_err *err)
{
    static const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    sigemptyset(&t->caught);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (is_of_interest(all[i]))
            sigaddset(&t->caught, all[i]);
    t->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (t->tty < 0)
        return vdm_fail(err, "no terminal to ask on: give it with --passphrase-file FILE");
    t->signals = signalfd(-1, &t->caught, SFD_CLOEXEC | SFD_NONBLOCK);
    return t->signals >= 0 || vdm_fail_errno(err, "signalfd");
}

static bool terminal_quiet(struct terminal *t, struct vdm_err *err)
{
    if (pthread_sigmask(SIG_BLOCK, &t->caught, &t->mask) != 0)
        return vdm_fail(err, "cannot block signals");
    t->masked = true;
    if (tcgetattr(t->tty, &t->modes) != 0)
        return vdm_fail_errno(err, "terminal");
    struct termios quiet = t->modes;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    quiet.c_lflag |= ICANON | ISIG;
    t->quiet = true;
    return tcsetattr(t->tty, TCSAFLUSH, &quiet) == 0 || vdm_fail_errno(err, "terminal");
}

enum answer {
    ANSWER_LINE,
    ANSWER_STOP,   /* suspended: ask again */
    ANSWER_SIGNAL, /* asked to end */
};

static enum answer pending_signal(const struct terminal *t)
{
    sigset_t pending;
    sigpending(&pending);
    for (int sig = 1; sig < NSIG; sig++)
        if (sig != SIGTSTP && sigismember(&t->caught, sig) == 1 && sigismember(&pending, sig) == 1)
            return ANSWER_SIGNAL;
    return ANSWER_STOP;
}

/* A handler would tell what it does at a step of the work, and none has begun: who called us hears of it from us. */
static void take_handled(const struct terminal *t)
{
    struct signalfd_siginfo s;
    struct sigaction action;
    sigset_t unhandled;
    sigemptyset(&unhandled);
    while (read(t->signals, &s, sizeof s) == sizeof s)
        if (sigaction((int)s.ssi_signo, NULL, &action) == 0 && action.sa_handler == SIG_DFL)
            sigaddset(&unhandled, (int)s.ssi_signo);
    for (int sig = 1; sig < NSIG; sig++)
        if (sigismember(&unhandled, sig) == 1)
            raise(sig);
}

/* One line, without its LF, read straight into guarded memory. */
static bool read_answer(const struct terminal *t, struct vdm_secret *out, enum answer *how,
                        struct vdm_err *err)
{
    struct pollfd watch[2] = {{.fd = t->tty, .events = POLLIN},
                              {.fd = t->signals, .events = POLLIN}};
    out->n = 0;
    for (;;) {
        if (poll(watch, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return vdm_fail_errno(err, "terminal");
        }
        if (watch[1].revents) {
            *how = pending_signal(t);
            return true;
        }
        if (!watch[0].revents)
            continue;
        ssize_t k = read(t->tty, out->p + out->n, out->cap - out->n);
        if (k < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (k < 0)
            return vdm_fail_errno(err, "terminal");
        if (k == 0)
            return vdm_fail(err, "none was given");
        out->n += (size_t)k;
        *how = ANSWER_LINE;
        if (out->p[out->n - 1] == '\n')
            return --out->n <= VDM_PASSPHRASE_MAX ||
                   vdm_fail(err, "longer than %d bytes", VDM_PASSPHRASE_MAX);
        if (out->n == out->cap)
            return vdm_fail(err, "longer than %d bytes", VDM_PASSPHRASE_MAX);
    }
}

static bool say(const struct terminal *t, const char *text, struct vdm_err *err)
{
    return vdm_fd_write(t->tty, vdm_str(text), err);
}

static bool ask_line(struct terminal *t, struct vdm_bytes prompt, struct vdm_secret *out,
                     struct vdm_err *err)
{
    enum answer how = ANSWER_STOP;
    while (how != ANSWER_LINE) {
        if (!t->quiet && !terminal_quiet(t, err))
            return false;
        bool ok = vdm_fd_write(t->tty, prompt, err) && read_answer(t, out, &how, err);
        /* The reader's own line end was not echoed. */
        if (!say(t, "\n", ok ? err : NULL) || !ok)
            return false;
        if (how == ANSWER_SIGNAL)
            take_handled(t);
        if (how != ANSWER_LINE)
            terminal_restore(t);
        if (how == ANSWER_SIGNAL)
            return vdm_fail_as(err, VDM_ERR_INTERRUPTED, "interrupted");
    }
    return true;
}

/* *good is false where it is worth another try, and the person was told why. */
static bool ask_try(struct terminal *t, struct vdm_bytes prompt, bool twice, struct vdm_secret *out,
                    bool *good, struct vdm_err *err)
{
    struct vdm_secret again VDM_CLEANUP(vdm_secret_release) = {0};
    *good = false;
    if (!ask_line(t, prompt, out, err))
        return false;
    if (out->n == 0)
        return say(t, "An empty passphrase protects nothing.\n", err);
    if (twice) {
        if (!vdm_secret_open(&again, LINE_CAP, err) ||
            !ask_line(t, VDM_LIT("The same once more: "), &again, err))
            return false;
        if (again.n != out->n || memcmp(again.p, out->p, out->n) != 0)
            return say(t, "These two are not the same.\n", err);
    }
    *good = true;
    return true;
}

static bool ask(struct vdm_secret *out, const char *name, bool twice, struct vdm_err *err)
{
    struct terminal t VDM_CLEANUP(terminal_close) = {.tty = -1, .signals = -1};
    struct vdm_buf prompt VDM_CLEANUP(vdm_buf_release) = {0};
    vdm_buf_puts(&prompt, "Passphrase for ");
    vdm_printable_append(&prompt, vdm_str(name));
    vdm_buf_puts(&prompt, ": ");
    if (!vdm_buf_ok(&prompt, err) || !terminal_open(&t, err))
        return false;
    for (int i = 0; i < VDM_PASSPHRASE_TRIES; i++) {
        bool good = false;
        if (!ask_try(&t, vdm_buf_bytes(&prompt), twice, out, &good, err))
            return false;
        if (good)
            return true;
    }
    return vdm_fail(err, "none after %d tries", VDM_PASSPHRASE_TRIES);
}

bool vdm_passphrase_ask(struct vdm_secret *out, const char *name, bool twice, struct vdm_err *err)
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    if (!vdm_secret_open(&s, LINE_CAP, err) || !ask(&s, name, twice, err))
        return vdm_err_prefix(err, "passphrase");
    *out = s;
    s = (struct vdm_secret){0};
    return true;
}

bool vdm_passphrase_read(struct vdm_secret *out, int dir, const char *path, struct vdm_err *err)
{
    struct vdm_secret s VDM_CLEANUP(vdm_secret_release) = {0};
    if (!vdm_private_read(VDM_PRIVATE_PASSPHRASE, dir, path, true, LINE_CAP, &s, err))
        return vdm_err_prefix(err, "passphrase");
    const uint8_t *end = memchr(s.p, '\n', s.n);
    if (end) {
        s.n = (size_t)(end - s.p);
        if (s.n && s.p[s.n - 1] == '\r')
            s.n--;
    }
    if (s.n == 0)
        return vdm_fail(err, "passphrase: %s: its first line is empty", path);
    if (s.n > VDM_PASSPHRASE_MAX)
        return vdm_fail(err, "passphrase: %s: longer than %d bytes", path, VDM_PASSPHRASE_MAX);
    *out = s;
    s = (struct vdm_secret){0};
    return true;
}
