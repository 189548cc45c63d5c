/*
 * What Apple's <dispatch/dispatch.h> takes from its own system on any other Unix: here, that
 * nothing is said about versions of macOS, Swift or pointers.
 */
#ifndef OS_GENERIC_UNIX_BASE_H
#define OS_GENERIC_UNIX_BASE_H

#define API_AVAILABLE(...)
#define API_DEPRECATED(...)
#define API_DEPRECATED_WITH_REPLACEMENT(...)
#define API_UNAVAILABLE(...)
#define OS_ASSUME_PTR_ABI_SINGLE_BEGIN
#define OS_ASSUME_PTR_ABI_SINGLE_END
#define OS_SWIFT_UNAVAILABLE(reason)
#define OS_EXPORT extern
#define OS_ENUM(name, type, ...) enum { __VA_ARGS__ }; typedef type name##_t

#endif
