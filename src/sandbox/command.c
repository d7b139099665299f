/* SPDX-License-Identifier: MIT */
#include "sandbox/command.h"

#include "base/file.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What we ignore for ourselves it gets as it is by default. */
static bool start(const char *command, int input, pid_t *pid, struct vdm_err *err)
{
    char shell[] = "sh", option[] = "-c";
    char *copy VDM_CLEANUP(vdm_free_string) = strdup(command);
    char *const argv[] = {shell, option, copy, NULL};
    if (!copy)
        return vdm_fail_memory(err);
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGPIPE);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
    int code = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    errno = code;
    return code == 0 || vdm_fail_errno(err, "start a command");
}

static bool wait_for(pid_t pid, int *status, struct vdm_err *err)
{
    int how;
    while (waitpid(pid, &how, 0) < 0)
        if (errno != EINTR)
            return vdm_fail_errno(err, "wait for a command");
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
    return true;
}

bool vdm_command_run(const char *command, struct vdm_bytes input, int *status, struct vdm_err *err)
{
    int fd VDM_CLEANUP(vdm_fd_close) = -1;
    pid_t pid;
    /* A file, not a pipe: a command that reads nothing, or late, holds nobody up. */
    if (!vdm_file_scratch(-1, &fd, err) || !vdm_fd_write(fd, input, err))
        return false;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return vdm_fail_errno(err, "scratch file");
    return start(command, fd, &pid, err) && wait_for(pid, status, err);
}
