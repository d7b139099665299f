/* SPDX-License-Identifier: MIT */
/* Progress on a terminal, and Ctrl-C: once, the work ends at its next safe place; twice, at once. */
#include "cli/cli.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A signal handler can reach nothing else: the one mutable variable of the program. */
static volatile sig_atomic_t asked_to_stop;

static void on_signal(int number)
{
    static const char note[] = "\nvidimus: stopping after the current step (again: at once)\n";
    if (asked_to_stop)
        _exit(VDM_EXIT_FAILED);
    asked_to_stop = number;
    ssize_t ignored = write(STDERR_FILENO, note, sizeof note - 1);
    (void)ignored;
}

static bool should_stop(void *ctx)
{
    (void)ctx;
    return asked_to_stop != 0;
}

static void draw_bar(uint64_t done, uint64_t total)
{
    enum { WIDTH = 20 };
    uint64_t filled = total ? done * WIDTH / total : 0;
    for (uint64_t i = 0; i < WIDTH; i++)
        fputs(i < filled ? "█" : "░", stderr);
}

static void draw(void *ctx, const char *doing, uint64_t done, uint64_t total, uint64_t bytes)
{
    struct vdm_drawn *state = ctx;
    uint64_t now = vdm_clock_ms();
    if (now - state->drawn < 100)
        return;
    state->drawn = now;
    state->on_screen = true;
    uint64_t ms = now > state->started ? now - state->started : 1;
    fputs("\r\033[K", stderr);
    vdm_out_str(stderr, doing);
    fputs("  ", stderr);
    draw_bar(done, total);
    fputs("  ", stderr);
    vdm_out_number(stderr, done);
    if (total) {
        fputs(" of ", stderr);
        vdm_out_number(stderr, total);
    }
    fputs("  ·  ", stderr);
    vdm_out_number(stderr, done * 1000 / ms);
    fputs("/s", stderr);
    if (bytes) {
        fputs("  ·  ", stderr);
        vdm_out_size(stderr, bytes);
    }
    if (total > done && done > 0)
        fprintf(stderr, "  ·  %.1f s left",
                (double)(total - done) * (double)ms / (double)done / 1000);
    fflush(stderr);
}

void vdm_progress_start(struct vdm_cli *cli, bool wanted)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGCHLD, SIG_DFL); /* how a worker ended must be told, whatever was inherited */
    signal(SIGPIPE, SIG_IGN); /* a reader that went away shows as a failed write */
    cli->drawn = (struct vdm_drawn){.started = vdm_clock_ms()};
    cli->progress = (struct vdm_progress){wanted && isatty(STDERR_FILENO) ? draw : NULL,
                                          should_stop, &cli->drawn};
}

void vdm_progress_end(struct vdm_cli *cli)
{
    if (cli->drawn.on_screen)
        fputs("\r\033[K", stderr);
    cli->drawn.on_screen = false;
}
