/*
 * darwin.h - included before each file that is for macOS and is compiled over mach_double.c, on Linux.
 */
#ifndef DARWIN_DOUBLE_H
#define DARWIN_DOUBLE_H

#include <pthread.h>
#include <stdint.h>
#include <unistd.h>

#define __APPLE__ 1

/* Has no thread as an argument there. */
#define pthread_setname_np(name) pthread_setname_np(pthread_self(), name)

/* A test is several processes, one after the other. */
#define getpid mach_double_pid
pid_t mach_double_pid(void);

#define close mach_double_close
int mach_double_close(int descriptor);

#endif
