/*
 * mach/mach.h - what the files for macOS use of Apple's headers, for a test on Linux. Names, layouts and values are
 * Apple's; tests/macos compiles the same files with Apple's own.
 */
#ifndef MACH_DOUBLE_H
#define MACH_DOUBLE_H

#include <stdbool.h>
#include <stdint.h>

typedef int kern_return_t, mach_msg_return_t, mach_msg_option_t;
typedef uint32_t mach_port_t, mach_port_name_t, mach_port_type_t, mach_port_urefs_t, mach_msg_type_name_t;
typedef uint32_t mach_msg_type_number_t, mach_msg_timeout_t, mach_port_mscount_t;
typedef mach_port_t *mach_port_array_t;
typedef int *mach_port_info_t;
typedef uintptr_t vm_address_t;

#pragma pack(push, 4)
typedef struct {
    uint32_t msgh_bits, msgh_size;
    mach_port_t msgh_remote_port, msgh_local_port, msgh_voucher_port;
    int32_t msgh_id;
} mach_msg_header_t;
typedef struct {
    uint32_t msgh_descriptor_count;
} mach_msg_body_t;
typedef struct {
    mach_port_t name;
    uint32_t pad1;
    uint16_t pad2;
    uint8_t disposition, type;
} mach_msg_port_descriptor_t;
typedef struct {
    uint8_t bytes[8];
} NDR_record_t;
typedef struct {
    uint32_t val[8];
} audit_token_t;
typedef struct {
    uint32_t msgh_trailer_type, msgh_trailer_size, msgh_seqno, msgh_sender[2];
    audit_token_t msgh_audit;
} mach_msg_audit_trailer_t;
typedef struct {
    mach_msg_header_t Head;
    NDR_record_t NDR;
    kern_return_t RetCode;
} mig_reply_error_t;
typedef struct {
    mach_msg_header_t not_header;
    NDR_record_t NDR;
    mach_port_name_t not_port;
} mach_dead_name_notification_t;
typedef struct {
    int mps_srights;
} mach_port_status_t;
#pragma pack(pop)

#define MACH_PORT_NULL 0u
#define MACH_PORT_DEAD 0xffffffffu
#define MACH_PORT_VALID(name) ((name) != MACH_PORT_NULL && (name) != MACH_PORT_DEAD)
#define MACH_MSGH_BITS(remote, local) ((uint32_t)(remote) | (uint32_t)(local) << 8)
#define MACH_MSGH_BITS_REMOTE(bits) ((bits) & 0x1fu)
#define MACH_MSGH_BITS_LOCAL(bits) ((bits) >> 8 & 0x1fu)
#define MACH_MSGH_BITS_COMPLEX 0x80000000u
#define MACH_MSG_TRAILER_FORMAT_0 0
#define MACH_RCV_TRAILER_AUDIT 3
#define MACH_RCV_TRAILER_TYPE(type) ((type) << 28)
#define MACH_RCV_TRAILER_ELEMENTS(elements) ((elements) << 24)
#define MACH_PORT_RECEIVE_STATUS_COUNT 1
#define MACH_PORT_TYPE_SEND 0x10000u
#define MACH_PORT_TYPE_RECEIVE 0x20000u
#define MACH_PORT_TYPE_DNREQUEST 0x80000000u
#define MACH_PORT_TYPE_SPREQUEST 0x40000000u
#define MACH_PORT_TYPE_SPREQUEST_DELAYED 0x20000000u
#define round_msg(bytes) (((bytes) + 3u) & ~3u)
#define mach_task_self() 1u

enum { MACH_PORT_RIGHT_SEND = 0, MACH_PORT_RIGHT_RECEIVE = 1, MACH_PORT_RIGHT_PORT_SET = 3, MACH_PORT_RECEIVE_STATUS = 2 };
enum { MACH_SEND_MSG = 1, MACH_RCV_MSG = 2, MACH_SEND_TIMEOUT = 0x10, MACH_RCV_TIMEOUT = 0x100 };
enum {
    MACH_MSG_TYPE_MOVE_RECEIVE = 16,
    MACH_MSG_TYPE_MOVE_SEND,
    MACH_MSG_TYPE_MOVE_SEND_ONCE,
    MACH_MSG_TYPE_COPY_SEND,
    MACH_MSG_TYPE_MAKE_SEND,
    MACH_MSG_TYPE_MAKE_SEND_ONCE
};
enum { MACH_NOTIFY_PORT_DELETED = 65, MACH_NOTIFY_NO_SENDERS = 70, MACH_NOTIFY_SEND_ONCE = 71, MACH_NOTIFY_DEAD_NAME = 72 };
enum {
    KERN_SUCCESS = 0,
    MACH_MSG_SUCCESS = 0,
    KERN_INVALID_ARGUMENT = 4,
    KERN_RESOURCE_SHORTAGE = 6,
    KERN_INVALID_NAME = 15,
    KERN_INVALID_RIGHT = 17,
    KERN_UREFS_OVERFLOW = 19,
    MACH_SEND_INVALID_DEST = 0x10000003,
    MACH_SEND_TIMED_OUT = 0x10000004,
    MACH_SEND_INVALID_RIGHT = 0x10000007,
    MACH_SEND_INVALID_REPLY = 0x10000009,
    MACH_SEND_NO_BUFFER = 0x1000000d,
    MACH_RCV_INVALID_NAME = 0x10004002,
    MACH_RCV_TIMED_OUT = 0x10004003,
    MACH_RCV_TOO_LARGE = 0x10004004,
    MIG_BAD_ID = -303,
    MIG_BAD_ARGUMENTS = -304,
    MIG_SERVER_DIED = -308
};

kern_return_t mach_port_allocate(mach_port_t task, int right, mach_port_t *name);
kern_return_t mach_port_insert_right(mach_port_t task, mach_port_t name, mach_port_t port, int how);
kern_return_t mach_port_insert_member(mach_port_t task, mach_port_t member, mach_port_t set);
kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name);
kern_return_t mach_port_mod_refs(mach_port_t task, mach_port_t name, int right, int delta);
kern_return_t mach_port_get_refs(mach_port_t task, mach_port_t name, int right, mach_port_urefs_t *count);
kern_return_t mach_port_type(mach_port_t task, mach_port_t name, mach_port_type_t *type);
kern_return_t mach_port_get_attributes(mach_port_t task, mach_port_t name, int flavour, mach_port_info_t info,
                                       mach_msg_type_number_t *count);
kern_return_t mach_port_request_notification(mach_port_t task, mach_port_t name, int id, mach_port_mscount_t sync,
                                             mach_port_t notify, int how, mach_port_t *previous);
kern_return_t mach_ports_lookup(mach_port_t task, mach_port_array_t *ports, mach_msg_type_number_t *count);
kern_return_t mach_ports_register(mach_port_t task, mach_port_t *ports, mach_msg_type_number_t count);
kern_return_t vm_deallocate(mach_port_t task, vm_address_t address, uintptr_t bytes);
mach_msg_return_t mach_msg(mach_msg_header_t *header, int options, uint32_t send_bytes, uint32_t receive_bytes,
                           mach_port_t receive, mach_msg_timeout_t limit_ms, mach_port_t notify);
void mach_msg_destroy(mach_msg_header_t *header);

#endif
