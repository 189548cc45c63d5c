/*
 * linux.h - what only the Linux libxpc has: surfaces, shareable memory, service paths,
 * message limits, statistics. Include <xpc/xpc.h> for everything else.
 */
#ifndef __XPC_LINUX_H__
#define __XPC_LINUX_H__

#include <xpc/xpc.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Services ------------------------------------------------------------------------- */

/**
 * Writes the socket path of a named service: "<directory>/<service>.xpc", in
 * $STREAMLIB_HOME/run, else $XDG_RUNTIME_DIR/streamlib, else $HOME/.streamlib/run. A path
 * over 103 bytes has the first 16 hex digits of the name's SHA-256 in place of the name.
 * Nothing is created. Returns 0, or -1 with errno: EINVAL (the name is empty, has a '/' or
 * starts with '.'; or the directory is not absolute), ENOENT (none of the variables is set),
 * ENAMETOOLONG (even so over 103 bytes), ERANGE (`cap` is too small).
 */
XPC_EXPORT int xpc_linux_service_path(const char *service, char *out, size_t cap);

/**
 * The listening Unix socket of a type (SOCK_STREAM, SOCK_SEQPACKET) that a service manager
 * passed to this process for a name, by systemd's protocol: LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES. A new descriptor at each call, close-on-exec and non-blocking; -1 with
 * errno, ENOENT if there is none. A listener of the name takes the SOCK_SEQPACKET one by itself.
 */
XPC_EXPORT XPC_WARN_RESULT int xpc_linux_inherited_socket(const char *service, int type);

/* ---- Messages ------------------------------------------------------------------------- */

/** The longest message, encoded, in bytes. */
#define XPC_LINUX_MESSAGE_MAX (1024 * 1024)
/** The deepest nesting; the message itself is depth 1. */
#define XPC_LINUX_DEPTH_MAX 32
/** The most descriptors (of fd, shmem, endpoint and surface objects) in one message. */
#define XPC_LINUX_DESCRIPTORS_MAX 16

/**
 * Would this dictionary be sent? Returns 0, or -1 with the reason as text in `reason`
 * (truncated to `cap`; may be NULL with cap 0).
 */
XPC_EXPORT int xpc_linux_message_check(xpc_object_t message, char *reason, size_t cap);

/* ---- Iteration without blocks --------------------------------------------------------- */

typedef bool (*xpc_linux_array_applier_f)(void *context, size_t index, xpc_object_t value);
typedef bool (*xpc_linux_dictionary_applier_f)(void *context, const char *key, xpc_object_t value);

XPC_EXPORT bool xpc_linux_array_apply_f(xpc_object_t xarray, void *context, xpc_linux_array_applier_f applier);
/** In ascending order of the keys' bytes. */
XPC_EXPORT bool xpc_linux_dictionary_apply_f(xpc_object_t xdict, void *context,
                                             xpc_linux_dictionary_applier_f applier);

/* ---- Shared memory -------------------------------------------------------------------- */

/**
 * Zeroed memory for xpc_shmem_create, whole pages of a memfd that cannot shrink. NULL with
 * errno on failure. Boxed objects and mappings of it live on after the destroy.
 */
XPC_EXPORT XPC_WARN_RESULT void *xpc_linux_region_create(size_t length);
/** Unmaps it; `length` as it was created. */
XPC_EXPORT void xpc_linux_region_destroy(void *region, size_t length);

/* ---- Surfaces ------------------------------------------------------------------------- */

/** A picture in shared memory: a descriptor and its layout. */
#define XPC_TYPE_LINUX_SURFACE (&_xpc_type_linux_surface)
XPC_EXPORT XPC_TYPE(_xpc_type_linux_surface);

struct xpc_linux_surface_layout {
    uint32_t width;         /* pixels, not 0 */
    uint32_t height;        /* rows, not 0 */
    uint32_t bytes_per_row; /* not 0 */
    uint32_t pixel_format;  /* FourCC, not interpreted */
    uint64_t length;        /* bytes: at least bytes_per_row * height, at most the memory's size */
};

/**
 * Boxes a memfd that is sealed against shrinking. The descriptor is duplicated. NULL with
 * errno: EINVAL (layout), EPERM (not such a memfd), ERANGE (memory smaller than the layout).
 * What arrives in a message has passed the same checks.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_linux_surface_create(int fd, const struct xpc_linux_surface_layout *layout);
/** False, and nothing written, if the object is not a surface. */
XPC_EXPORT bool xpc_linux_surface_get_layout(xpc_object_t surface, struct xpc_linux_surface_layout *layout);
/** A new descriptor at each call, close-on-exec; -1 with errno on failure. */
XPC_EXPORT XPC_WARN_RESULT int xpc_linux_surface_dup_fd(xpc_object_t surface);

/* ---- Statistics ----------------------------------------------------------------------- */

/** Of the whole process, since its start. */
struct xpc_linux_stats {
    uint64_t messages_sent;     /* handed to the kernel; replies included */
    uint64_t messages_received; /* replies included */
    uint64_t messages_refused;  /* over the limits, so never sent */
    uint64_t bytes_sent;        /* in packets */
    uint64_t bytes_received;    /* in packets */
    uint64_t spill_bytes_sent;  /* of bodies too long for a packet, in memfds */
    uint64_t data_bytes_sent;   /* payload of XPC data values in sent messages */
    uint64_t descriptors_sent;  /* in messages, those of spilled bodies included */
    uint64_t live_objects;      /* every XPC object that is not a static constant */
    uint64_t live_connections;  /* those of them that are connections */
};

XPC_EXPORT void xpc_linux_get_stats(struct xpc_linux_stats *out);

#ifdef __cplusplus
}
#endif

#endif
