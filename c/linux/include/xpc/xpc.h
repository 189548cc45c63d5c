/*
 * xpc.h - the subset of Apple's XPC C API that works on Linux.
 *
 * Names, signatures and behaviour are Apple's, so a program written for <xpc/xpc.h> compiles
 * unchanged. Comments say where Linux differs. <xpc/linux.h> has what exists only on Linux.
 * Differences that apply to all functions:
 *
 *  - Where Apple's functions trap on a value of the wrong type or a NULL value, these do nothing and
 *    return NULL, 0 or -1. These misuses end the process, as on a Mac, with a sentence on stderr and
 *    SIGABRT: the release of an inactive or suspended connection, or of more references than there
 *    are; an activation without an event handler; one resume too many; a message that is no dictionary;
 *    an xpc_connection_t that is none; a second code-signing requirement; an index beyond an array.
 *  - A create function returns NULL if there is no memory or no free descriptor. A setter without
 *    memory marks its container as incomplete, and an incomplete message is never sent.
 *  - fork without exec is not supported: the child has no threads to deliver events.
 *
 * The name tells the ownership. The caller releases what `create`, `copy` and `retain` return, with
 * xpc_release. What `get` returns is borrowed from its container. `dup` returns a descriptor that
 * the caller closes. Containers retain their values.
 *
 * Any number of threads may read an object. While one thread changes a container, no other may use
 * it. Connections may be used from any thread.
 *
 *     xpc_object_t message = xpc_dictionary_create_empty();
 *     xpc_dictionary_set_string(message, "type", "hello");
 *     xpc_connection_send_message(connection, message);
 *     xpc_release(message);
 */
#ifndef __XPC_H__
#define __XPC_H__

/* What Apple's header includes, and programs expect. */
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <xpc/base.h>

/* Included as in Apple's header, if libdispatch is installed: programs with blocks expect it. */
#if defined(__BLOCKS__) && defined(__has_include)
#if __has_include(<dispatch/dispatch.h>)
#include <dispatch/dispatch.h>
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Any XPC object. */
typedef void *xpc_object_t;
#define XPC_DECL(name) typedef struct _##name##_s *name##_t
#define XPC_GLOBAL_OBJECT(object) (&(object))

/** The type of an object; compare it with the XPC_TYPE_ constants. */
typedef const struct _xpc_type_s *xpc_type_t;
#define XPC_TYPE(type) const struct _xpc_type_s type

XPC_DECL(xpc_connection);
XPC_DECL(xpc_endpoint);

/** A universally unique identifier, as in <uuid/uuid.h>. */
typedef unsigned char uuid_t[16];

/* A buffer of libdispatch; its own header defines the same name. */
#ifndef __DISPATCH_PUBLIC__
typedef struct dispatch_data_s *dispatch_data_t;
#endif

/*
 * Handlers are blocks. A compiler without blocks (gcc, or clang with -fno-blocks) passes a
 * pointer to a block made by hand: {isa, flags, reserved, invoke, descriptor{reserved, size}}.
 * A block that must outlive the call is copied, with the Blocks runtime if one is linked.
 */
#ifdef __BLOCKS__
typedef void (^xpc_handler_t)(xpc_object_t object);
typedef bool (^xpc_array_applier_t)(size_t index, xpc_object_t value);
typedef bool (^xpc_dictionary_applier_t)(const char *key, xpc_object_t value);
#else
typedef void *xpc_handler_t;
typedef void *xpc_array_applier_t;
typedef void *xpc_dictionary_applier_t;
#endif

/* ---- Types ---------------------------------------------------------------------------- */

#define XPC_TYPE_CONNECTION (&_xpc_type_connection)
XPC_EXPORT XPC_TYPE(_xpc_type_connection);
#define XPC_TYPE_ENDPOINT (&_xpc_type_endpoint)
XPC_EXPORT XPC_TYPE(_xpc_type_endpoint);
#define XPC_TYPE_NULL (&_xpc_type_null)
XPC_EXPORT XPC_TYPE(_xpc_type_null);
#define XPC_TYPE_BOOL (&_xpc_type_bool)
XPC_EXPORT XPC_TYPE(_xpc_type_bool);
#define XPC_TYPE_INT64 (&_xpc_type_int64)
XPC_EXPORT XPC_TYPE(_xpc_type_int64);
#define XPC_TYPE_UINT64 (&_xpc_type_uint64)
XPC_EXPORT XPC_TYPE(_xpc_type_uint64);
#define XPC_TYPE_DOUBLE (&_xpc_type_double)
XPC_EXPORT XPC_TYPE(_xpc_type_double);
#define XPC_TYPE_DATE (&_xpc_type_date)
XPC_EXPORT XPC_TYPE(_xpc_type_date);
#define XPC_TYPE_DATA (&_xpc_type_data)
XPC_EXPORT XPC_TYPE(_xpc_type_data);
#define XPC_TYPE_STRING (&_xpc_type_string)
XPC_EXPORT XPC_TYPE(_xpc_type_string);
#define XPC_TYPE_UUID (&_xpc_type_uuid)
XPC_EXPORT XPC_TYPE(_xpc_type_uuid);
#define XPC_TYPE_FD (&_xpc_type_fd)
XPC_EXPORT XPC_TYPE(_xpc_type_fd);
#define XPC_TYPE_SHMEM (&_xpc_type_shmem)
XPC_EXPORT XPC_TYPE(_xpc_type_shmem);
#define XPC_TYPE_ARRAY (&_xpc_type_array)
XPC_EXPORT XPC_TYPE(_xpc_type_array);
#define XPC_TYPE_DICTIONARY (&_xpc_type_dictionary)
XPC_EXPORT XPC_TYPE(_xpc_type_dictionary);
/** Errors are read like dictionaries: the key XPC_ERROR_KEY_DESCRIPTION has the text. */
#define XPC_TYPE_ERROR (&_xpc_type_error)
XPC_EXPORT XPC_TYPE(_xpc_type_error);

#define XPC_BOOL_TRUE XPC_GLOBAL_OBJECT(_xpc_bool_true)
XPC_EXPORT const struct _xpc_bool_s _xpc_bool_true;
#define XPC_BOOL_FALSE XPC_GLOBAL_OBJECT(_xpc_bool_false)
XPC_EXPORT const struct _xpc_bool_s _xpc_bool_false;

#define XPC_ERROR_KEY_DESCRIPTION _xpc_error_key_description
XPC_EXPORT const char *const _xpc_error_key_description;

/* ---- Every object --------------------------------------------------------------------- */

XPC_EXPORT xpc_object_t xpc_retain(xpc_object_t object);
/**
 * Drops a reference. Dropping the last one of a connection cancels it. Before that it must be active and not
 * suspended; a listener's peer may also be cancelled instead. Otherwise the process ends.
 */
XPC_EXPORT void xpc_release(xpc_object_t object);
XPC_EXPORT XPC_WARN_RESULT xpc_type_t xpc_get_type(xpc_object_t object);
/** Returns the name of the type, such as "int64": a static text. */
XPC_EXPORT XPC_WARN_RESULT const char *xpc_type_get_name(xpc_type_t type);
/** Returns a copy; arrays and dictionaries are copied deeply. NULL for a connection. */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_copy(xpc_object_t object);
/** Compares by value; descriptors, shared memory, endpoints, surfaces and connections by identity. */
XPC_EXPORT XPC_WARN_RESULT bool xpc_equal(xpc_object_t object1, xpc_object_t object2);
XPC_EXPORT XPC_WARN_RESULT size_t xpc_hash(xpc_object_t object);
/** Returns a text for people, not for programs. The caller frees it with free. */
XPC_EXPORT XPC_WARN_RESULT char *xpc_copy_description(xpc_object_t object);

/* ---- Values. A getter returns false, 0 or NULL for an object of another type. ----------- */

XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_null_create(void);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_bool_create(bool value);
XPC_EXPORT bool xpc_bool_get_value(xpc_object_t xbool);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_int64_create(int64_t value);
XPC_EXPORT XPC_WARN_RESULT int64_t xpc_int64_get_value(xpc_object_t xint);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_uint64_create(uint64_t value);
XPC_EXPORT XPC_WARN_RESULT uint64_t xpc_uint64_get_value(xpc_object_t xuint);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_double_create(double value);
/** NaN if the object is not a double. */
XPC_EXPORT XPC_WARN_RESULT double xpc_double_get_value(xpc_object_t xdouble);
/** Nanoseconds since 1970-01-01T00:00:00Z. */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_date_create(int64_t interval);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_date_create_from_current(void);
XPC_EXPORT XPC_WARN_RESULT int64_t xpc_date_get_value(xpc_object_t xdate);

/** Copies the bytes. */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_data_create(const void *bytes, size_t length);
/**
 * Copies the bytes of a buffer of libdispatch. Returns NULL if the program has no libdispatch, or
 * if memory runs out.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_data_create_with_dispatch_data(dispatch_data_t ddata);
XPC_EXPORT XPC_WARN_RESULT size_t xpc_data_get_length(xpc_object_t xdata);
XPC_EXPORT XPC_WARN_RESULT const void *xpc_data_get_bytes_ptr(xpc_object_t xdata);
/** Copies at most `length` bytes from offset `off` on. Returns the number of bytes copied. */
XPC_EXPORT XPC_WARN_RESULT size_t xpc_data_get_bytes(xpc_object_t xdata, void *buffer, size_t off, size_t length);

/** Copies the text, which ends with a NUL. */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_string_create(const char *string);
XPC_EXPORT XPC_WARN_RESULT XPC_PRINTF(1, 2) xpc_object_t xpc_string_create_with_format(const char *fmt, ...);
XPC_EXPORT XPC_WARN_RESULT XPC_PRINTF(1, 0)
xpc_object_t xpc_string_create_with_format_and_arguments(const char *fmt, va_list ap);
/** In bytes, without the NUL. */
XPC_EXPORT XPC_WARN_RESULT size_t xpc_string_get_length(xpc_object_t xstring);
XPC_EXPORT XPC_WARN_RESULT const char *xpc_string_get_string_ptr(xpc_object_t xstring);

XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_uuid_create(const uuid_t uuid);
XPC_EXPORT XPC_WARN_RESULT const uint8_t *xpc_uuid_get_bytes(xpc_object_t xuuid);

/* ---- Capabilities --------------------------------------------------------------------- */

/** Boxes a duplicate of the descriptor. Returns NULL if it is not valid. */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_fd_create(int fd);
/** Returns a new descriptor at each call, close-on-exec; -1 on failure. */
XPC_EXPORT XPC_WARN_RESULT int xpc_fd_dup(xpc_object_t xfd);

/**
 * Boxes shared memory. `region` is the start of memory from xpc_linux_region_create, or of any
 * writable MAP_SHARED mapping. Such a mapping is copied into a sealed memfd, which replaces it in
 * place: processes that shared it before share it no longer, and writes of other threads during
 * the call may be lost. Returns NULL with errno for other memory, for example from malloc.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_shmem_create(void *region, size_t length);
/**
 * Maps the memory, readable and writable. Returns the mapped length in bytes, a multiple of the
 * page size; 0 on failure. The caller unmaps it with munmap. The memory cannot shrink.
 */
XPC_EXPORT XPC_WARN_RESULT size_t xpc_shmem_map(xpc_object_t xshmem, void **region);

/* ---- Arrays --------------------------------------------------------------------------- */

/** As an index: appends the value. */
#define XPC_ARRAY_APPEND ((size_t)(-1))

XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_array_create(const xpc_object_t *objects, size_t count);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_array_create_empty(void);
/** Replaces the value at `index`, which must exist or be XPC_ARRAY_APPEND. */
XPC_EXPORT void xpc_array_set_value(xpc_object_t xarray, size_t index, xpc_object_t value);
XPC_EXPORT void xpc_array_append_value(xpc_object_t xarray, xpc_object_t value);
XPC_EXPORT XPC_WARN_RESULT size_t xpc_array_get_count(xpc_object_t xarray);
XPC_EXPORT xpc_object_t xpc_array_get_value(xpc_object_t xarray, size_t index);
/** Calls the applier for each value in order. Stops, and returns false, when the applier returns false. */
XPC_EXPORT bool xpc_array_apply(xpc_object_t xarray, xpc_array_applier_t applier);

XPC_EXPORT void xpc_array_set_bool(xpc_object_t xarray, size_t index, bool value);
XPC_EXPORT void xpc_array_set_int64(xpc_object_t xarray, size_t index, int64_t value);
XPC_EXPORT void xpc_array_set_uint64(xpc_object_t xarray, size_t index, uint64_t value);
XPC_EXPORT void xpc_array_set_double(xpc_object_t xarray, size_t index, double value);
XPC_EXPORT void xpc_array_set_date(xpc_object_t xarray, size_t index, int64_t value);
XPC_EXPORT void xpc_array_set_data(xpc_object_t xarray, size_t index, const void *bytes, size_t length);
XPC_EXPORT void xpc_array_set_string(xpc_object_t xarray, size_t index, const char *string);
XPC_EXPORT void xpc_array_set_uuid(xpc_object_t xarray, size_t index, const uuid_t uuid);
XPC_EXPORT void xpc_array_set_fd(xpc_object_t xarray, size_t index, int fd);
/** Sets an endpoint of the listener. */
XPC_EXPORT void xpc_array_set_connection(xpc_object_t xarray, size_t index, xpc_connection_t connection);

XPC_EXPORT XPC_WARN_RESULT bool xpc_array_get_bool(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT int64_t xpc_array_get_int64(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT uint64_t xpc_array_get_uint64(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT double xpc_array_get_double(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT int64_t xpc_array_get_date(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT const void *xpc_array_get_data(xpc_object_t xarray, size_t index, size_t *length);
XPC_EXPORT XPC_WARN_RESULT const char *xpc_array_get_string(xpc_object_t xarray, size_t index);
/** Returns the null UUID, 16 bytes of 0, for a value of another type; a dictionary's getter returns NULL. */
XPC_EXPORT XPC_WARN_RESULT const uint8_t *xpc_array_get_uuid(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT int xpc_array_dup_fd(xpc_object_t xarray, size_t index);
/** Creates a client of the endpoint at `index`. NULL if there is none. */
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_array_create_connection(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_array_get_dictionary(xpc_object_t xarray, size_t index);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_array_get_array(xpc_object_t xarray, size_t index);

/* ---- Dictionaries --------------------------------------------------------------------- */

XPC_EXPORT XPC_WARN_RESULT
xpc_object_t xpc_dictionary_create(const char *const *keys, const xpc_object_t *values, size_t count);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_dictionary_create_empty(void);
/**
 * Creates the reply to a received message, to be filled and sent over its remote connection.
 * Returns NULL if the sender wants no reply, and for every call after the first. A request that is
 * dropped unanswered gives its sender's reply handler XPC_ERROR_CONNECTION_INTERRUPTED.
 */
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_dictionary_create_reply(xpc_object_t original);
/** A NULL value deletes the key. */
XPC_EXPORT void xpc_dictionary_set_value(xpc_object_t xdict, const char *key, xpc_object_t value);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_dictionary_get_value(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT size_t xpc_dictionary_get_count(xpc_object_t xdict);
/** As xpc_array_apply, for each key. The order is unspecified. */
XPC_EXPORT bool xpc_dictionary_apply(xpc_object_t xdict, xpc_dictionary_applier_t applier);
/** Returns the connection that a message came from, or that a reply goes to; NULL for other dictionaries. */
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_dictionary_get_remote_connection(xpc_object_t xdict);

XPC_EXPORT void xpc_dictionary_set_bool(xpc_object_t xdict, const char *key, bool value);
XPC_EXPORT void xpc_dictionary_set_int64(xpc_object_t xdict, const char *key, int64_t value);
XPC_EXPORT void xpc_dictionary_set_uint64(xpc_object_t xdict, const char *key, uint64_t value);
XPC_EXPORT void xpc_dictionary_set_double(xpc_object_t xdict, const char *key, double value);
XPC_EXPORT void xpc_dictionary_set_date(xpc_object_t xdict, const char *key, int64_t value);
XPC_EXPORT void xpc_dictionary_set_data(xpc_object_t xdict, const char *key, const void *bytes, size_t length);
XPC_EXPORT void xpc_dictionary_set_string(xpc_object_t xdict, const char *key, const char *string);
XPC_EXPORT void xpc_dictionary_set_uuid(xpc_object_t xdict, const char *key, const uuid_t uuid);
XPC_EXPORT void xpc_dictionary_set_fd(xpc_object_t xdict, const char *key, int fd);
/** Sets an endpoint of the listener. */
XPC_EXPORT void xpc_dictionary_set_connection(xpc_object_t xdict, const char *key, xpc_connection_t connection);

XPC_EXPORT XPC_WARN_RESULT bool xpc_dictionary_get_bool(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT int64_t xpc_dictionary_get_int64(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT uint64_t xpc_dictionary_get_uint64(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT double xpc_dictionary_get_double(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT int64_t xpc_dictionary_get_date(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT const void *xpc_dictionary_get_data(xpc_object_t xdict, const char *key, size_t *length);
XPC_EXPORT XPC_WARN_RESULT const char *xpc_dictionary_get_string(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT const uint8_t *xpc_dictionary_get_uuid(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT int xpc_dictionary_dup_fd(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT xpc_connection_t xpc_dictionary_create_connection(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_dictionary_get_dictionary(xpc_object_t xdict, const char *key);
XPC_EXPORT XPC_WARN_RESULT xpc_object_t xpc_dictionary_get_array(xpc_object_t xdict, const char *key);

#include <xpc/activity.h>
#include <xpc/connection.h>
#include <xpc/endpoint.h>

/* ---- Services ------------------------------------------------------------------------- */

/**
 * Serves the name in $XPC_SERVICE_NAME, as launchd calls it on a Mac, and never returns. Each new
 * peer is given to `handler`, which sets its event handler and activates it. Without the variable,
 * or if the name cannot be served, the process exits with 78 (EX_CONFIG) and a line on stderr.
 */
XPC_EXPORT XPC_NORETURN void xpc_main(xpc_connection_handler_t handler);
/** No effect on Linux, where nothing ends a service for being idle. */
XPC_EXPORT void xpc_transaction_begin(void);
/** No effect on Linux. */
XPC_EXPORT void xpc_transaction_end(void);

#ifdef __cplusplus
}
#endif

#endif
