/*
 * loss_linux.c: finds the program that has not passed a channel on, by the descriptors of the processes above this one.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "channel.h"

enum { ANCESTORS_MOST = 64, PROGRAM_BYTES = 32 };

/* A process above this one, or this one. */
struct process {
    pid_t pid, parent;
    char program[PROGRAM_BYTES]; /* printable ASCII */
};

static bool look(pid_t pid, struct process *process) {
    char path[64], line[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    size_t length = file ? fread(line, 1, sizeof line - 1, file) : 0;
    if (file) fclose(file);
    line[length] = 0;
    /* "<pid> (<program>) <state> <parent> …": the program may have any characters. */
    const char *begin = strchr(line, '('), *end = strrchr(line, ')');
    if (!begin || !end || end < begin) return false;
    *process = (struct process){.pid = pid};
    size_t bytes = (size_t)(end - begin - 1);
    if (bytes >= PROGRAM_BYTES) bytes = PROGRAM_BYTES - 1;
    for (size_t i = 0; i < bytes; i++) {
        char each = begin[1 + i];
        process->program[i] = isascii(each) && isprint(each) ? each : '?';
    }
    process->parent = (pid_t)strtol(end + (end[1] ? 4 : 1), NULL, 10);
    return true;
}

/* Whether the process has the socket under any number. */
static bool has_socket(pid_t pid, uint64_t inode) {
    char path[320], wanted[64], found[64];
    snprintf(wanted, sizeof wanted, "socket:[%llu]", (unsigned long long)inode);
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *entries = opendir(path);
    bool has = false;
    const struct dirent *entry;
    while (entries && !has && (entry = readdir(entries))) {
        snprintf(path, sizeof path, "/proc/%d/fd/%.255s", (int)pid, entry->d_name);
        ssize_t length = readlink(path, found, sizeof found - 1);
        if (length < 0) continue;
        found[length] = 0;
        has = strcmp(found, wanted) == 0;
    }
    if (entries) closedir(entries);
    return has;
}

void boot_channel_explain_loss(int fd, uint64_t inode, char text[BOOT_TEXT_BYTES]) {
    struct process self, child, parent;
    int length = snprintf(text, BOOT_TEXT_BYTES, "the channel to the bootstrap, descriptor %d, did not reach this process: ", fd);
    char *rest = text + length;
    size_t room = BOOT_TEXT_BYTES - (size_t)length;
    bool known = look(getpid(), &self);
    if (known && has_socket(self.pid, inode)) {
        snprintf(rest, room, "it has another number here; start the program without moving descriptor %d", fd);
        return;
    }
    child = self;
    for (int i = 0; known && i < ANCESTORS_MOST && child.parent > 0 && look(child.parent, &parent); i++, child = parent) {
        if (!has_socket(parent.pid, inode)) continue;
        snprintf(rest, room,
                 "%s (process %d) has it, and %s (process %d), which it has started, does not: %s must pass it on "
                 "(pass_fds=[%d] of Python's subprocess, stdio of Node's spawn), or %s must not close it",
                 parent.program, (int)parent.pid, child.program, (int)child.pid, parent.program, fd, child.program);
        return;
    }
    snprintf(rest, room,
             "a program between the bootstrap and this process has closed it, and no longer runs; unset " BOOT_VARIABLE
             " to use the services of this user instead");
}
