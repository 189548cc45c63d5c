/*
 * mach_double.h - Mach's ports and messages, and kqueue, within one process of Linux: enough to run the files of
 * c/bootstrap that are for macOS. It counts rights as xnu does, and breaches of its rules by the caller.
 *
 * There is one task. A test is several processes by turns: mach_double_become changes who sends.
 */
#ifndef MACH_DOUBLE_CONTROL_H
#define MACH_DOUBLE_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What this thread sends is from that process and user from now on, and getpid() is that process. */
void mach_double_become(pid_t pid, uid_t uid);
/* What this thread sends is from that process, and getpid() stays. */
void mach_double_speak_as(pid_t pid);
/* A process ends. */
void mach_double_end(pid_t pid);
/* What Apple's libxpc does at a fork: registers only its own port. */
void mach_double_fork(void);
/* The next send finds no room. */
void mach_double_no_room(void);

/* The names in use, the processes that are watched, the messages that wait. */
int mach_double_names(void);
int mach_double_watched(void);
int mach_double_waiting(void);
/* The breaches since the last call. Each was written to stderr. */
int mach_double_breaches(void);

#endif
