/*
 * linux.h - the part of libxpc that exists only on Linux: surfaces, shareable memory, service
 * paths, message limits, statistics. Include <xpc/xpc.h> for everything else.
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
 * $STREAMLIB_HOME/run, else $XDG_RUNTIME_DIR/streamlib, else /run/user/<uid>/streamlib if
 * /run/user/<uid> is a directory of this user alone, else $HOME/.streamlib/run. A path over 103 bytes has the first 16 hex digits of the name's SHA-256 instead of the name.
 * Creates nothing. Returns 0, or -1 with errno: EINVAL (the name is empty, has a '/' or
 * starts with '.'; or the directory is not absolute), ENOENT (none of the variables is set),
 * ENAMETOOLONG (still over 103 bytes), ERANGE (`cap` is too small).
 */
XPC_EXPORT int xpc_linux_service_path(const char *service, char *out, size_t cap);

/**
 * Returns the listening Unix socket of a type (SOCK_STREAM, SOCK_SEQPACKET) that a service manager
 * passed to this process for a name, by systemd's protocol: LISTEN_PID, LISTEN_FDS,
 * LISTEN_FDNAMES. It is a new descriptor at each call, close-on-exec and non-blocking. -1 with
 * errno on failure, ENOENT if there is none. A listener of the name uses the SOCK_SEQPACKET one.
 */
XPC_EXPORT XPC_WARN_RESULT int xpc_linux_inherited_socket(const char *service, int type);

/**
 * The errno value for which this side has ended a connection or listener: EADDRINUSE if another process
 * serves the listener's name; EBADMSG if the other side sent a packet that is refused; EXFULL if the
 * other side does not read what is sent to it, or sends too much; else what the system refuses to this
 * process, for example EMFILE or ENOMEM. 0 if it has no such value, or is not invalid. Before this side
 * ends a connection for such a reason, it sends the reason to the other side, if that can be done
 * without waiting.
 */
XPC_EXPORT int xpc_linux_invalidation_errno(xpc_connection_t connection);

/** As xpc_connection_cancel, for a reason: see xpc_linux_invalidation_errno. It is sent to the other side. */
XPC_EXPORT void xpc_linux_connection_cancel_because(xpc_connection_t connection, int why, const char *reason);

/** Why the other side has ended a connection. */
struct xpc_linux_goodbye {
    int why;          /* EBADMSG, EXFULL, or ENOMEM for any resource that it lacks; 0: it has not said why */
    char reason[256]; /* its words, with '?' for all but printable ASCII */
};

/**
 * Returns whether the other side has ended the connection and said why: of a client by name, when it
 * was interrupted last. A peer may say what it likes: the reason is for people.
 */
XPC_EXPORT bool xpc_linux_get_goodbye(xpc_connection_t connection, struct xpc_linux_goodbye *out);

/* ---- Endpoints as sockets: for the server of a bootstrap ------------------------------ */

/** Returns a new descriptor of the socket behind an endpoint, close-on-exec; -1 with errno on failure. */
XPC_EXPORT XPC_WARN_RESULT int xpc_linux_endpoint_dup(xpc_endpoint_t endpoint);
/** Boxes a duplicate of such a socket. Returns NULL with errno on failure. */
XPC_EXPORT XPC_WARN_RESULT xpc_endpoint_t xpc_linux_endpoint_create(int fd);
/**
 * Connects to the listener behind such a socket, and writes the socket of the new connection, which the caller
 * owns. `pid` is the process that it is for, 0 for this one; a listener of this process, and one that is
 * registered at a bootstrap, charges that process for it. Never blocks. Returns 0 or an errno: EAGAIN if the listener takes none
 * now, EPIPE if it has ended.
 */
XPC_EXPORT XPC_WARN_RESULT int xpc_linux_endpoint_connect(int fd, pid_t pid, int *connection);

/* ---- Messages ------------------------------------------------------------------------- */

/** The longest message, encoded, in bytes. */
#define XPC_LINUX_MESSAGE_MAX (1024 * 1024)
/** The deepest nesting; the message itself is depth 1. */
#define XPC_LINUX_DEPTH_MAX 32
/** The most descriptors (of fd, shmem, endpoint and surface objects) in one message. */
#define XPC_LINUX_DESCRIPTORS_MAX 16
/**
 * The most memory that a message may take when it is decoded, in bytes, estimated: 16 for null and a
 * bool, 64 for a number, a date or a string, 128 for an array, 256 for a dictionary and all others, 64
 * for an entry of a dictionary; and the bytes of strings, data and keys. 1 MiB of numbers fits.
 */
#define XPC_LINUX_COST_MAX (16 * 1024 * 1024)

/*
 * Queues are bounded in bytes, as sums of such estimates, with 512 for each message and 16384 for each
 * descriptor in it. Nothing here can be exceeded by a peer.
 *
 *   received, not delivered yet:  per process XPC_LINUX_INBOX_MAX. Then packets stay in the kernel, and
 *                                 each connection is read when there is room again; small messages have
 *                                 a quarter for themselves
 *   sent, not taken yet:          per connection XPC_LINUX_OUTBOX_MAX. Then the connection is ended
 *   in the kernel's queue:        per connection XPC_LINUX_FLIGHT_MAX of memory files and descriptors,
 *                                 besides the socket's buffer. Then the rest waits in the outbox
 */
#define XPC_LINUX_INBOX_MAX (64 * 1024 * 1024)
#define XPC_LINUX_OUTBOX_MAX (32 * 1024 * 1024)
#define XPC_LINUX_FLIGHT_MAX (4 * 1024 * 1024)

/**
 * Keeps a received message in the process's XPC_LINUX_INBOX_MAX until it is released. To be called in
 * the handler, by a program that puts messages on a queue of its own. Otherwise a message counts until
 * its handler returns.
 */
XPC_EXPORT void xpc_linux_message_keep(xpc_object_t message);
/**
 * Why a received message was refused: it costs more than XPC_LINUX_COST_MAX. Then it is delivered
 * without content, so that a request can be answered. NULL if it was not refused.
 */
XPC_EXPORT XPC_WARN_RESULT const char *xpc_linux_message_problem(xpc_object_t message);

/**
 * Checks a message against the limits. Returns 0 if it would be sent, else -1 with the reason in
 * `reason`, truncated to `cap` bytes; `reason` may be NULL if `cap` is 0.
 */
XPC_EXPORT int xpc_linux_message_check(xpc_object_t message, char *reason, size_t cap);

/* ---- Iteration without blocks --------------------------------------------------------- */

typedef bool (*xpc_linux_array_applier_f)(void *context, size_t index, xpc_object_t value);
typedef bool (*xpc_linux_dictionary_applier_f)(void *context, const char *key, xpc_object_t value);

XPC_EXPORT bool xpc_linux_array_apply_f(xpc_object_t xarray, void *context, xpc_linux_array_applier_f applier);
/** The keys are in ascending order of their bytes. */
XPC_EXPORT bool xpc_linux_dictionary_apply_f(xpc_object_t xdict, void *context,
                                             xpc_linux_dictionary_applier_f applier);

/* ---- Shared memory -------------------------------------------------------------------- */

/**
 * Returns zeroed memory for xpc_shmem_create: whole pages of a memfd that cannot shrink. NULL with
 * errno on failure. Boxed objects and other mappings stay valid after xpc_linux_region_destroy.
 */
XPC_EXPORT XPC_WARN_RESULT void *xpc_linux_region_create(size_t length);
/** Unmaps the memory; `length` is the one that it was created with. */
XPC_EXPORT void xpc_linux_region_destroy(void *region, size_t length);

/* ---- Surfaces ------------------------------------------------------------------------- */

/** A picture in shared memory: a descriptor and its layout. */
#define XPC_TYPE_LINUX_SURFACE (&_xpc_type_linux_surface)
XPC_EXPORT XPC_TYPE(_xpc_type_linux_surface);

struct xpc_linux_surface_layout {
    uint32_t width;         /* pixels, not 0 */
    uint32_t height;        /* rows, not 0 */
    uint32_t bytes_per_row; /* not 0; of the first plane */
    uint32_t pixel_format;  /* FourCC, not interpreted */
    uint64_t length;        /* bytes: at least what the planes need, at most the memory's size */
};

/** The most planes of a surface. */
#define XPC_LINUX_PLANES_MAX 4

/** Where a plane is in the memory of its surface. */
struct xpc_linux_plane {
    uint64_t offset;        /* of its first row, in bytes from the start of the memory */
    uint32_t width;         /* samples per row, not 0 */
    uint32_t height;        /* rows, not 0 */
    uint32_t bytes_per_row; /* not 0 */
};

/** The planes of a surface. A surface that was made with a layout alone has one, at offset 0. */
struct xpc_linux_planes {
    uint64_t modifier; /* how pixels are arranged, as DRM's format modifiers, not interpreted; 0: row by row */
    uint32_t count;    /* 1 to XPC_LINUX_PLANES_MAX */
    struct xpc_linux_plane planes[XPC_LINUX_PLANES_MAX];
};

/**
 * Boxes a duplicate of a memfd that is sealed against shrinking. Returns NULL with errno: EINVAL
 * (layout), EPERM (not such a memfd), ERANGE (the memory is smaller than the layout). Surfaces that
 * arrive in a message have passed the same checks.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_linux_surface_create(int fd, const struct xpc_linux_surface_layout *layout);
/**
 * As xpc_linux_surface_create, for a surface of several planes, or with an offset or a modifier. They may
 * overlap. EINVAL too if a plane is not within the layout's length, or the first one's rows are not the layout's.
 */
XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_linux_surface_create_planar(int fd, const struct xpc_linux_surface_layout *layout,
                                             const struct xpc_linux_planes *planes);
/** Returns false, and writes nothing, if the object is not a surface. */
XPC_EXPORT bool xpc_linux_surface_get_layout(xpc_object_t surface, struct xpc_linux_surface_layout *layout);
/** Returns false, and writes nothing, if the object is not a surface. */
XPC_EXPORT bool xpc_linux_surface_get_planes(xpc_object_t surface, struct xpc_linux_planes *planes);
/** Returns a new descriptor at each call, close-on-exec; -1 with errno on failure. */
XPC_EXPORT XPC_WARN_RESULT int xpc_linux_surface_dup_fd(xpc_object_t surface);

/* ---- Limits of the process ------------------------------------------------------------ */

/**
 * Describes an errno value of a failed call. If it is a limit of this process or system (descriptors,
 * memory, file size): which, its number, and what to do. The text is valid until the next such call
 * on this thread.
 */
XPC_EXPORT const char *xpc_linux_cause(int why);
/** As xpc_linux_cause, for a thread that could not be started. */
XPC_EXPORT const char *xpc_linux_thread_cause(int why);
/**
 * Whether this process may make a file of that many bytes, a memfd included (RLIMIT_FSIZE); if not,
 * errno is EFBIG. A write or ftruncate beyond that limit would end the process by SIGXFSZ.
 */
XPC_EXPORT XPC_WARN_RESULT bool xpc_linux_file_allowed(uint64_t bytes);

/**
 * Whether this libxpc behaves as Apple's does where the two differ, because STREAMLIB_LIBXPC is "macos":
 * for tests. See docs/linux-libxpc.md.
 */
XPC_EXPORT XPC_WARN_RESULT bool xpc_linux_is_as_macos(void);

/* ---- Statistics ----------------------------------------------------------------------- */

/** Counters of the whole process, since its start. */
struct xpc_linux_stats {
    uint64_t messages_sent;     /* given to the kernel; with replies */
    uint64_t messages_received; /* with replies */
    uint64_t messages_refused;  /* over the limits, never sent */
    uint64_t bytes_sent;        /* in packets */
    uint64_t bytes_received;    /* in packets */
    uint64_t spill_bytes_sent;  /* in memfds, of bodies too long for a packet */
    uint64_t data_bytes_sent;   /* in XPC data values of sent messages */
    uint64_t descriptors_sent;  /* in messages, with those of spilled bodies */
    uint64_t live_objects;      /* all XPC objects except static constants */
    uint64_t live_connections;  /* connections among live_objects */
    uint64_t inbox_bytes;       /* received messages that were not delivered yet */
    uint64_t outbox_bytes;      /* sent messages that wait for the other side */
    uint64_t ended_over_budget; /* connections that were ended because a queue was full */
};

XPC_EXPORT void xpc_linux_get_stats(struct xpc_linux_stats *out);

/** The connections to this process's listeners that have not sent a message yet. */
struct xpc_linux_silent {
    uint64_t connections; /* now */
    uint64_t dropped;     /* since the start, because there was no room for them */
    int32_t pid;          /* the process whose connection was dropped last; 0: none was */
};

XPC_EXPORT void xpc_linux_get_silent(struct xpc_linux_silent *out);

/**
 * The endpoints of this process's listeners that were passed on to other processes. Each costs the listener
 * a descriptor until it is released there. A listener accepts only so many: what is refused is the endpoint
 * of a listener that has ended.
 */
struct xpc_linux_endpoints {
    uint64_t held;      /* now */
    uint64_t refused;   /* since the start, because there were too many, or no descriptor or memory */
    int32_t pid;        /* the process that passed on what was refused last; 0: nothing was */
    uint64_t sent_dead; /* endpoints that this process passed on while their listener did not read */
};

XPC_EXPORT void xpc_linux_get_endpoints(struct xpc_linux_endpoints *out);

#ifdef __cplusplus
}
#endif

#endif
