/*
 * memory.c - see memory.h.
 */
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "exhaustion.h"

size_t xl_memory_round(uint64_t length) {
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    if (length == 0 || length > (uint64_t)(SIZE_MAX / 2)) return 0;
    return (size_t)((length + page - 1) / page * page);
}

int xl_memory_create(size_t length) {
    if (!xl_file_allowed(length)) return -1;
    int fd = memfd_create("xpc", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -1;
    /* F_SEAL_SEAL: a receiver cannot seal it against our own writing. */
    if (ftruncate(fd, (off_t)length) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
        return fd;
    }
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int xl_memory_check(int fd, uint64_t length, int seals) {
    struct stat status;
    struct statfs system;
    int has = fcntl(fd, F_GET_SEALS);
    seals |= F_SEAL_SHRINK;
    if (has < 0 || (has & seals) != seals) return EPERM;
    /* Huge-page memfds can be sealed too, but they raise SIGBUS when the huge pages run out. */
    if (fstatfs(fd, &system) != 0 || system.f_type != TMPFS_MAGIC) return EPERM;
    if (fstat(fd, &status) != 0) return EPERM;
    return status.st_size > 0 && (uint64_t)status.st_size >= length ? 0 : ERANGE;
}
