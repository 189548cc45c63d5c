/*
 * base.h - the attributes of XPC's declarations; included by <xpc/xpc.h>. A program that was
 * written for macOS may use them in its own declarations.
 */
#ifndef __XPC_BASE_H__
#define __XPC_BASE_H__

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#define XPC_EXPORT extern __attribute__((visibility("default")))
#define XPC_NOEXPORT __attribute__((visibility("hidden")))
#define XPC_WARN_RESULT __attribute__((__warn_unused_result__))
#define XPC_PRINTF(format_at, arguments_at) __attribute__((format(printf, format_at, arguments_at)))
#define XPC_NORETURN __attribute__((__noreturn__))
#define XPC_NOTHROW __attribute__((__nothrow__))
#define XPC_PURE __attribute__((__pure__))
#define XPC_MALLOC __attribute__((__malloc__))
#define XPC_UNUSED __attribute__((__unused__))
#define XPC_USED __attribute__((__used__))
#define XPC_PACKED __attribute__((__packed__))
#define XPC_INLINE static __inline__ __attribute__((__always_inline__))
#define XPC_NOINLINE __attribute__((__noinline__))
#define XPC_CONSTRUCTOR __attribute__((__constructor__))
#define XPC_NONNULL1 __attribute__((__nonnull__(1)))
#define XPC_NONNULL2 __attribute__((__nonnull__(2)))
#define XPC_NONNULL3 __attribute__((__nonnull__(3)))
#define XPC_NONNULL4 __attribute__((__nonnull__(4)))
#define XPC_NONNULL5 __attribute__((__nonnull__(5)))
#define XPC_NONNULL_ALL __attribute__((__nonnull__))
#define XPC_DEPRECATED(message) __attribute__((deprecated))
#define XPC_NOESCAPE
#define XPC_RETURNS_RETAINED
#define XPC_SWIFT_NAME(name)

#if __has_feature(assume_nonnull)
#define XPC_ASSUME_NONNULL_BEGIN _Pragma("clang assume_nonnull begin")
#define XPC_ASSUME_NONNULL_END _Pragma("clang assume_nonnull end")
#else
#define XPC_ASSUME_NONNULL_BEGIN
#define XPC_ASSUME_NONNULL_END
#endif

#endif
