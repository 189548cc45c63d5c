/*
 * calls_linux.c: system calls, by a seccomp filter: what Landlock does not know.
 *
 * The filter is a list of calls that are refused, as far as this library knows calls: a call that is newer gives
 * ENOSYS, as on a kernel that lacks it. clone3 gives ENOSYS too: its flags are in memory, where a filter cannot
 * look, and the C library then uses clone.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* The newest call that this list was written for: mseal, of Linux 6.10. Also below the bit of the x32 ABI. */
enum { NEWEST = 462, CLONE3 = 435 };

/* Numbers that the headers of the compiling machine may lack; from 424 on they are the same on all processors. */
enum {
    PIDFD_SEND_SIGNAL = 424, IO_URING_SETUP = 425, IO_URING_ENTER = 426, IO_URING_REGISTER = 427, OPEN_TREE = 428,
    MOVE_MOUNT = 429, FSOPEN = 430, FSCONFIG = 431, FSMOUNT = 432, FSPICK = 433, PIDFD_GETFD = 438, PROCESS_MADVISE = 440,
    MOUNT_SETATTR = 442, QUOTACTL_FD = 443, PROCESS_MRELEASE = 448, FCHMODAT2 = 452,
};

/* Always refused. */
static const int refused[] = {
    /* the memory and descriptors of other processes */
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, PIDFD_GETFD, PROCESS_MADVISE, PROCESS_MRELEASE, SYS_kcmp,
    SYS_migrate_pages, SYS_move_pages,
    /* what does the work of other calls, and of which a filter sees nothing */
    IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
    /* keys, queues, semaphores and shared memory that belong to the user, not to a process or file */
    SYS_keyctl, SYS_add_key, SYS_request_key, SYS_mq_open, SYS_mq_unlink, SYS_msgget, SYS_msgsnd, SYS_msgrcv, SYS_msgctl,
    SYS_semget, SYS_semop, SYS_semtimedop, SYS_semctl, SYS_shmget, SYS_shmat, SYS_shmctl,
    /* mounts and namespaces */
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK,
    MOUNT_SETATTR, SYS_open_by_handle_at,
    /* the machine */
    SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
    SYS_quotactl, QUOTACTL_FD, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_sethostname,
    SYS_setdomainname, SYS_syslog, SYS_vhangup, SYS_fanotify_init, SYS_fanotify_mark, SYS_nfsservctl,
#ifdef SYS_kexec_file_load
    SYS_kexec_file_load,
#endif
#ifdef __x86_64__
    SYS_iopl, SYS_ioperm, SYS_modify_ldt, SYS_uselib, SYS_ustat,
#endif
};

/*
 * Changes of a file that Landlock does not know, by the file's path: refused unless all files may be written.
 * By a descriptor they stay possible: it leads only to files that may be opened.
 */
static const int attributes[] = {
    SYS_fchmodat, FCHMODAT2, SYS_fchownat, SYS_setxattr, SYS_lsetxattr, SYS_removexattr, SYS_lremovexattr,
#ifdef __x86_64__
    SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes, SYS_futimesat,
#endif
};

enum { MOST_INSTRUCTIONS = 512, MAY_SPECULATE = 1 << 2 /* SECCOMP_FILTER_FLAG_SPEC_ALLOW */ };

/* Flags of unshare and clone that make a namespace. CLONE_NEWTIME is no flag of clone: there it is part of a signal. */
#define NAMESPACES (0x00020000u | 0x02000000u | 0x04000000u | 0x08000000u | 0x10000000u | 0x20000000u | 0x40000000u)
#define TIME_NAMESPACE 0x00000080u
#define FAST_OPEN 0x20000000u /* MSG_FASTOPEN: connects without connect() */
#define TYPE_MASK 0xfu        /* of a socket, without SOCK_CLOEXEC and SOCK_NONBLOCK */

struct filter {
    struct sock_filter code[MOST_INSTRUCTIONS];
    unsigned short length;
    bool full;
};

static void add(struct filter *filter, struct sock_filter instruction) {
    if (filter->length == MOST_INSTRUCTIONS) filter->full = true;
    else filter->code[filter->length++] = instruction;
}

static void load(struct filter *filter, size_t offset) { add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offset)); }
/* The lower half of an argument: all processors here are little-endian. */
static void load_argument(struct filter *filter, int index) { load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)index); }
static void load_upper(struct filter *filter, int index) { load(filter, offsetof(struct seccomp_data, args) + 8 * (size_t)index + 4); }
static void mask(struct filter *filter, unsigned bits) { add(filter, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, bits)); }
static void end(struct filter *filter, unsigned action) { add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }
static void allow(struct filter *filter) { end(filter, SECCOMP_RET_ALLOW); }
static void refuse(struct filter *filter, int why) { end(filter, SECCOMP_RET_ERRNO | (unsigned)why); }

/* Runs the next `count` instructions only if what is loaded is `value`. */
static void if_equal(struct filter *filter, unsigned value, unsigned char count) {
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count));
}
static void if_different(struct filter *filter, unsigned value, unsigned char count) {
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, count, 0));
}

/* The rules of one call: between begin_call and end_call the result is decided, and the last instruction decides it. */
static unsigned short begin_call(struct filter *filter, int call) {
    if_equal(filter, (unsigned)call, 0);
    return filter->length;
}
static void end_call(struct filter *filter, unsigned short begin) {
    filter->code[begin - 1].jf = (unsigned char)(filter->length - begin);
}

static void refuse_all(struct filter *filter, const int *calls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if_equal(filter, (unsigned)calls[i], 1);
        refuse(filter, EPERM);
    }
}

/* ---- single calls ---- */

static void refuse_flags(struct filter *filter, int call, int index, unsigned flags) {
    unsigned short begin = begin_call(filter, call);
    load_argument(filter, index);
    mask(filter, flags);
    if_different(filter, 0, 1);
    refuse(filter, EPERM);
    allow(filter);
    end_call(filter, begin);
}

/* Allows the call only if the argument, an int, is one of the values. */
static void only(struct filter *filter, int call, int index, const unsigned *values, int count) {
    unsigned short begin = begin_call(filter, call);
    load_argument(filter, index);
    for (int i = 0; i < count; i++) {
        if_equal(filter, values[i], 1);
        allow(filter);
    }
    refuse(filter, EPERM);
    end_call(filter, begin);
}

/* Allows the call unless the argument is one of the values. */
static void except(struct filter *filter, int call, int index, const unsigned *values, int count) {
    unsigned short begin = begin_call(filter, call);
    load_argument(filter, index);
    for (int i = 0; i < count; i++) {
        if_equal(filter, values[i], 1);
        refuse(filter, EPERM);
    }
    allow(filter);
    end_call(filter, begin);
}

/* A stream or a sequence of packets. With a pair of SOCK_DGRAM a process could send to any Unix socket by its path. */
static void pairs(struct filter *filter) {
    unsigned short begin = begin_call(filter, SYS_socketpair);
    load_argument(filter, 0);
    if_different(filter, AF_UNIX, 1);
    refuse(filter, EPERM);
    load_argument(filter, 1);
    mask(filter, TYPE_MASK);
    if_equal(filter, SOCK_STREAM, 1);
    allow(filter);
    if_equal(filter, SOCK_SEQPACKET, 1);
    allow(filter);
    refuse(filter, EPERM);
    end_call(filter, begin);
}

/* TCP as Landlock knows it: not MPTCP or SCTP, which are streams too. */
static void tcp_socket(struct filter *filter, unsigned family) {
    if_equal(filter, family, 9);
    load_argument(filter, 1);
    mask(filter, TYPE_MASK);
    if_equal(filter, SOCK_STREAM, 5);
    load_argument(filter, 2);
    if_equal(filter, 0, 1);
    allow(filter);
    if_equal(filter, 6 /* IPPROTO_TCP */, 1);
    allow(filter);
    refuse(filter, EPERM);
}

static void sockets(struct filter *filter, const struct confine_order *order) {
    unsigned short begin = begin_call(filter, SYS_socket);
    load_argument(filter, 0);
    if (order->seqpacket) {
        if_equal(filter, AF_UNIX, 5);
        load_argument(filter, 1);
        mask(filter, TYPE_MASK);
        if_equal(filter, SOCK_SEQPACKET, 1);
        allow(filter);
        refuse(filter, EPERM);
    }
    if (order->any_net) {
        if_equal(filter, AF_INET, 1);
        allow(filter);
        if_equal(filter, AF_INET6, 1);
        allow(filter);
        if_equal(filter, AF_NETLINK, 4); /* the addresses of this machine, which the C library asks for */
        load_argument(filter, 2);
        if_equal(filter, 0 /* NETLINK_ROUTE */, 1);
        allow(filter);
        refuse(filter, EPERM);
    } else if (order->some_tcp) {
        tcp_socket(filter, AF_INET);
        tcp_socket(filter, AF_INET6);
    }
    refuse(filter, EPERM);
    end_call(filter, begin);
}

/* utimensat without a path is futimens. */
static void times(struct filter *filter) {
    unsigned short begin = begin_call(filter, SYS_utimensat);
    load_argument(filter, 1);
    if_equal(filter, 0, 3);
    load_upper(filter, 1);
    if_equal(filter, 0, 1);
    allow(filter);
    refuse(filter, EPERM);
    end_call(filter, begin);
}

/* The priority of a process or thread: only one's own. */
static void priority(struct filter *filter, int call, unsigned which) {
    unsigned short begin = begin_call(filter, call);
    load_argument(filter, 0);
    if_equal(filter, which, 3);
    load_argument(filter, 1);
    if_equal(filter, 0, 1);
    allow(filter);
    refuse(filter, EPERM);
    end_call(filter, begin);
}

/*
 * Signals, on a kernel whose Landlock has no scope for them: only to this process. Its children can be sent none,
 * and send none to themselves.
 */
static void signals(struct filter *filter) {
    const unsigned self = (unsigned)getpid(); /* stays the same when the program is executed */
    static const int calls[] = {SYS_kill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) only(filter, calls[i], 0, &self, 1);
    static const int others[] = {SYS_tkill, PIDFD_SEND_SIGNAL};
    refuse_all(filter, others, 2);
}

static void write_filter(struct filter *filter, const struct confine_order *order, int landlock) {
    const unsigned self[] = {0, (unsigned)getpid()};
    static const unsigned owners[] = {8 /* F_SETOWN */, 15 /* F_SETOWN_EX */};
    /* TIOCSTI types into a terminal, TIOCLINUX pastes into a console, TIOCCONS takes its output; FIOSETOWN and SIOCSPGRP are F_SETOWN. */
    static const unsigned requests[] = {0x5412, 0x541c, 0x541d, 0x8901, 0x8902};
    static const unsigned no_personality[] = {0xffffffff}; /* asks for the present one */
    load(filter, offsetof(struct seccomp_data, arch));
    if_different(filter, ARCHITECTURE, 1);
    refuse(filter, ENOSYS);
    load(filter, offsetof(struct seccomp_data, nr));
    add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, NEWEST, 0, 1));
    refuse(filter, ENOSYS);
    if_equal(filter, CLONE3, 1);
    refuse(filter, ENOSYS);
    refuse_all(filter, refused, sizeof refused / sizeof *refused);
    if (!order->writes_all) {
        refuse_all(filter, attributes, sizeof attributes / sizeof *attributes);
        times(filter);
        if (landlock < 3) refuse_all(filter, (const int[]){SYS_truncate}, 1);
    }
    if (!order->reads_all) refuse_all(filter, (const int[]){SYS_inotify_add_watch}, 1); /* it tells the names of what it may not read */
    refuse_flags(filter, SYS_clone, 0, NAMESPACES);
    refuse_flags(filter, SYS_unshare, 0, NAMESPACES | TIME_NAMESPACE);
    if (!order->any_net) {
        refuse_flags(filter, SYS_sendto, 3, FAST_OPEN);
        refuse_flags(filter, SYS_sendmsg, 2, FAST_OPEN);
        refuse_flags(filter, SYS_sendmmsg, 3, FAST_OPEN);
    }
    pairs(filter);
    sockets(filter, order);
    except(filter, SYS_fcntl, 1, owners, 2);
    except(filter, SYS_ioctl, 1, requests, 5);
    only(filter, SYS_personality, 0, no_personality, 1);
    only(filter, SYS_prlimit64, 0, self, 2);
    only(filter, SYS_sched_setscheduler, 0, self, 2);
    only(filter, SYS_sched_setparam, 0, self, 2);
    only(filter, SYS_sched_setattr, 0, self, 2);
    priority(filter, SYS_setpriority, PRIO_PROCESS);
    priority(filter, SYS_ioprio_set, 1 /* IOPRIO_WHO_PROCESS */);
    if (landlock < 6) signals(filter);
    allow(filter);
}

bool confine_calls(const struct confine_order *order, int landlock) {
    struct filter filter = {.length = 0};
    write_filter(&filter, order, landlock);
    if (filter.full) return confine_fail("its filter of system calls is too long");
    struct sock_fprog program = {.len = filter.length, .filter = filter.code};
    /* Without the flag older kernels slow the whole process down. */
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, MAY_SPECULATE, &program) == 0) return true;
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return true;
    return confine_fail("system calls cannot be filtered (seccomp): %s", strerror(errno));
}
