/*
 * files_linux.c: files and TCP ports, by Landlock.
 *
 * Its numbers are spelled here: the headers of the machine that compiles may be older than the kernel that runs.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 }; /* system calls, the same on all processors */
enum { ASK_VERSION = 1, RULE_PATH = 1, RULE_PORT = 2 };

#define EXECUTE (1ull << 0)
#define WRITE_FILE (1ull << 1)
#define READ_FILE (1ull << 2)
#define READ_DIR (1ull << 3)
#define REMOVE_DIR (1ull << 4)
#define REMOVE_FILE (1ull << 5)
#define MAKE_CHAR (1ull << 6)
#define MAKE_DIR (1ull << 7)
#define MAKE_REG (1ull << 8)
#define MAKE_SOCK (1ull << 9)
#define MAKE_FIFO (1ull << 10)
#define MAKE_BLOCK (1ull << 11)
#define MAKE_SYM (1ull << 12)
#define REFER (1ull << 13)     /* from version 2 on */
#define TRUNCATE (1ull << 14)  /* 3 */
#define IOCTL_DEV (1ull << 15) /* 5 */

#define BIND_TCP (1ull << 0)    /* 4 */
#define CONNECT_TCP (1ull << 1) /* 4 */

#define SCOPE_ABSTRACT (1ull << 0) /* 6: abstract Unix sockets of others */
#define SCOPE_SIGNAL (1ull << 1)   /* 6: signals to others */

/* What a rule for a file that is no folder may have. */
#define OF_A_FILE (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV)
#define READING (READ_FILE | READ_DIR)
/* Not MAKE_CHAR and MAKE_BLOCK: a device file made anew would be a way to the device. */
#define WRITING                                                                                                    \
    (WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE | IOCTL_DEV)

struct ruleset {
    uint64_t files, ports, scopes;
};
struct path_rule {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));
struct port_rule {
    uint64_t access, port;
};

/* The rules to be, and what the kernel's version knows. */
struct rules {
    int descriptor;
    uint64_t known;
};

int confine_landlock(const char **why_not) {
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
    int why = errno;
    if (version >= 1 && prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0) return (int)version;
    *why_not = version >= 1          ? "this kernel has no seccomp filters (CONFIG_SECCOMP_FILTER)"
               : why == EOPNOTSUPP   ? "Landlock is switched off in this kernel: add landlock to its lsm= parameter"
                                     : "this kernel has no Landlock: Linux 5.13 or later is needed, and a container must not forbid it";
    return 0;
}

static uint64_t files_known(int version) {
    uint64_t known = (MAKE_SYM << 1) - 1;
    if (version >= 2) known |= REFER;
    if (version >= 3) known |= TRUNCATE;
    if (version >= 5) known |= IOCTL_DEV;
    return known;
}

/* The size of the structure is the version that is asked for. */
static int ruleset_create(const struct confine_order *order, int version) {
    struct ruleset rules = {
        .files = files_known(version),
        .ports = order->any_net ? 0 : BIND_TCP | CONNECT_TCP,
        .scopes = SCOPE_ABSTRACT | SCOPE_SIGNAL,
    };
    size_t size = version >= 6 ? sizeof rules : version >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    return (int)syscall(CREATE_RULESET, &rules, size, 0);
}

/* Permits this access to an open file or folder and what is below it. */
static bool permit(const struct rules *rules, int opened, uint64_t access, const char *path) {
    struct stat status;
    if (fstat(opened, &status) != 0) return confine_fail("fstat of %s: %s", path, strerror(errno));
    access &= S_ISDIR(status.st_mode) ? rules->known : rules->known & OF_A_FILE;
    struct path_rule rule = {.access = access, .parent = opened};
    if (syscall(ADD_RULE, rules->descriptor, RULE_PATH, &rule, 0) == 0) return true;
    return confine_fail("%s cannot be permitted (landlock_add_rule): %s", path, strerror(errno));
}

/* Opens a path to permit it. -1: it is not there. -2: the reason was written. */
static int open_path(const char *path) {
    int opened = open(path, O_PATH | O_CLOEXEC);
    if (opened >= 0 || errno == ENOENT || errno == ENOTDIR) return opened;
    confine_fail("%s cannot be opened to permit it: %s", path, strerror(errno));
    return -2;
}

static bool permit_path(const struct rules *rules, const char *path, uint64_t access, bool must_be_there) {
    int opened = open_path(path);
    if (opened == -1 && !must_be_there) return true;
    if (opened == -1) return confine_fail("%s does not exist, so that it cannot be permitted: make it first, or permit its folder", path);
    bool permitted = opened >= 0 && permit(rules, opened, access, path);
    if (opened >= 0) close(opened);
    return permitted;
}

/* ---- programs ---- */

/* Writes the path of the dynamic loader that a program names. False: it is no such program. */
static bool read_loader(int file, char *path, size_t size) {
    Elf64_Ehdr head;
    Elf64_Phdr part;
    if (pread(file, &head, sizeof head, 0) != (ssize_t)sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) return false;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        off_t at = (off_t)(head.e_phoff + (uint64_t)i * sizeof part);
        if (pread(file, &part, sizeof part, at) != (ssize_t)sizeof part) return false;
        if (part.p_type != PT_INTERP) continue;
        if (part.p_filesz == 0 || part.p_filesz > size) return false;
        return pread(file, path, part.p_filesz, (off_t)part.p_offset) == (ssize_t)part.p_filesz && path[part.p_filesz - 1] == 0;
    }
    return false;
}

/*
 * Permits to execute an open program, and the loader that it needs; or programs below a folder, as far as they may be
 * read. The kernel reads what it executes with the rights of the process.
 */
static bool permit_program(const struct rules *rules, int opened, const char *path) {
    char loader[4096], self[32];
    struct stat status;
    bool folder = fstat(opened, &status) == 0 && S_ISDIR(status.st_mode);
    if (!permit(rules, opened, folder ? EXECUTE : EXECUTE | READ_FILE, path)) return false;
    snprintf(self, sizeof self, "/proc/self/fd/%d", opened); /* the descriptor is only a place */
    int file = open(self, O_RDONLY | O_CLOEXEC);
    bool has = file >= 0 && read_loader(file, loader, sizeof loader);
    if (file >= 0) close(file);
    return !has || permit_path(rules, loader, EXECUTE | READ_FILE, false);
}

static bool permit_execution(const struct rules *rules, const char *path) {
    int opened = open_path(path);
    if (opened == -1) return confine_fail("the program %s does not exist, so that it cannot be permitted", path);
    bool permitted = opened >= 0 && permit_program(rules, opened, path);
    if (opened >= 0) close(opened);
    return permitted;
}

/* ---- all of it ---- */

static bool permit_port(const struct rules *rules, const char *port) {
    struct port_rule rule = {.access = BIND_TCP | CONNECT_TCP, .port = strtoull(port, NULL, 10)};
    if (syscall(ADD_RULE, rules->descriptor, RULE_PORT, &rule, 0) == 0) return true;
    return confine_fail("TCP port %s cannot be permitted (landlock_add_rule): %s", port, strerror(errno));
}

static bool permit_argument(const struct rules *rules, const char *argument) {
    const char *value;
    if ((value = confine_value(argument, "read"))) return permit_path(rules, value, READING, true);
    if ((value = confine_value(argument, "maybe-read"))) return permit_path(rules, value, READING, false);
    if ((value = confine_value(argument, "write"))) return permit_path(rules, value, WRITING, true);
    if ((value = confine_value(argument, "maybe-write"))) return permit_path(rules, value, WRITING, false);
    if ((value = confine_value(argument, "execute"))) return permit_execution(rules, value);
    if ((value = confine_value(argument, "tcp"))) return permit_port(rules, value);
    return true;
}

/*
 * Permits to read what /proc says of this process. The descriptor stays open in the program. Without it the kernel
 * may drop this folder when memory is short, and the rule does not apply to the one that it makes later.
 */
static bool permit_self(const struct rules *rules) {
    int self = open("/proc/self", O_PATH);
    return self < 0 || permit(rules, self, READING, "/proc/self");
}

bool confine_files(const struct confine_order *order, int landlock, int program) {
    if (order->some_tcp && !order->any_net && landlock < 4)
        return confine_fail("this kernel cannot permit single TCP ports: Linux 6.7 or later is needed");
    struct rules rules = {.descriptor = ruleset_create(order, landlock), .known = files_known(landlock)};
    if (rules.descriptor < 0) return confine_fail("landlock_create_ruleset: %s", strerror(errno));
    bool permitted = permit_program(&rules, program, order->program[0]) && permit_self(&rules);
    for (int i = 0; i < order->count && permitted; i++) permitted = permit_argument(&rules, order->arguments[i]);
    if (permitted && syscall(RESTRICT_SELF, rules.descriptor, 0) != 0)
        permitted = confine_fail("landlock_restrict_self: %s", strerror(errno));
    close(rules.descriptor);
    return permitted;
}
