/*
 * failed_closes.c - to be preloaded: it counts the calls of close() that fail with EBADF.
 *
 * Such a call has closed, or tried to close, a descriptor that the program did not own. The end of the process
 * writes the count to standard error: `failed closes: 1`.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_uint failed;

int close(int fd) {
    int result = (int)syscall(SYS_close, fd);
    if (result == -1 && errno == EBADF) atomic_fetch_add(&failed, 1);
    return result;
}

__attribute__((destructor)) static void report(void) {
    char line[48];
    int length = snprintf(line, sizeof line, "failed closes: %u\n", atomic_load(&failed));
    (void)!write(STDERR_FILENO, line, (size_t)length);
}
