/*
 * failing_calls.h - calls of the system that fail when the test says so.
 *
 * To be included by one test, after its `static bool fails(void)` and a WRAP line for each call below: the line
 * has the linker put the function here in place of the system's.
 */
#ifndef FAILING_CALLS_H
#define FAILING_CALLS_H

int __wrap_socketpair(int domain, int type, int protocol, int ends[2]) {
    return fails() ? -1 : __real_socketpair(domain, type, protocol, ends);
}
ssize_t __wrap_sendmsg(int fd, const struct msghdr *header, int flags) {
    return fails() ? -1 : __real_sendmsg(fd, header, flags);
}
ssize_t __wrap_recvmsg(int fd, struct msghdr *header, int flags) {
    return fails() ? -1 : __real_recvmsg(fd, header, flags);
}
int __wrap_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event) {
    return operation != EPOLL_CTL_DEL && fails() ? -1 : __real_epoll_ctl(epoll, operation, fd, event);
}
int __wrap_memfd_create(const char *name, unsigned flags) { return fails() ? -1 : __real_memfd_create(name, flags); }
int __wrap_ftruncate(int fd, off_t length) { return fails() ? -1 : __real_ftruncate(fd, length); }
int __wrap_fcntl(int fd, int command, ...) {
    va_list ap;
    va_start(ap, command);
    long argument = va_arg(ap, long);
    va_end(ap);
    return fails() ? -1 : __real_fcntl(fd, command, argument);
}
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    return fails() ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    return fails() ? MAP_FAILED : __real_mmap(address, length, protection, flags, fd, offset);
}

#endif
