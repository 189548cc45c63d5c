/*
 * mach_macos.h: the messages of wire.h as Apple's structs, and what the headers of the cross compiler lack.
 */
#ifndef BOOT_MACH_MACOS_H
#define BOOT_MACH_MACOS_H

#include <mach/mach.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/notify.h>
#include <stddef.h>

#include "wire.h"

#pragma pack(push, 4)
struct boot_mach_right_request {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t right;
    NDR_record_t ndr;
    uint32_t length;
    char name[BOOT_NAME_BYTES];
};

struct boot_mach_request {
    mach_msg_header_t header;
    NDR_record_t ndr;
    uint32_t length;
    char name[BOOT_NAME_BYTES];
};

struct boot_mach_look_up2 {
    mach_msg_header_t header;
    NDR_record_t ndr;
    char name[BOOT_NAME_BYTES];
    int32_t pid;
    uint8_t instance[16];
    uint64_t flags;
};

struct boot_mach_right_answer {
    mach_msg_header_t header;
    mach_msg_body_t body;
    mach_msg_port_descriptor_t right;
};

struct boot_mach_code_answer {
    mach_msg_header_t header;
    NDR_record_t ndr;
    int32_t code;
};
#pragma pack(pop)

#define BOOT_SAME(condition) _Static_assert(condition, "wire.h is not as Apple's headers: " #condition)

BOOT_SAME(sizeof(struct boot_mach_right_request) == BOOT_RIGHT_REQUEST_BYTES);
BOOT_SAME(sizeof(struct boot_mach_request) == BOOT_REQUEST_BYTES);
BOOT_SAME(sizeof(struct boot_mach_look_up2) == BOOT_LOOK_UP2_BYTES);
BOOT_SAME(sizeof(struct boot_mach_right_answer) == BOOT_RIGHT_ANSWER_BYTES);
BOOT_SAME(sizeof(struct boot_mach_code_answer) == BOOT_CODE_ANSWER_BYTES);
BOOT_SAME(sizeof(mig_reply_error_t) == BOOT_CODE_ANSWER_BYTES);
BOOT_SAME(sizeof(mach_msg_header_t) == BOOT_HEADER_BYTES);
BOOT_SAME(sizeof(mach_msg_body_t) == 4 && sizeof(mach_msg_port_descriptor_t) == 12 && sizeof(NDR_record_t) == 8);
BOOT_SAME(offsetof(mach_msg_header_t, msgh_size) == 4 && offsetof(mach_msg_header_t, msgh_id) == 20);
BOOT_SAME(offsetof(struct boot_mach_right_request, name) == 52);
BOOT_SAME(offsetof(struct boot_mach_request, name) == 36);
BOOT_SAME(offsetof(struct boot_mach_look_up2, name) == 32);
BOOT_SAME(sizeof(mach_msg_audit_trailer_t) == 52);
BOOT_SAME(BOOT_LOOK_UP2_BYTES + sizeof(mach_msg_audit_trailer_t) < BOOT_BYTES_MAX);
BOOT_SAME((int)BOOT_MOVE_RECEIVE == MACH_MSG_TYPE_MOVE_RECEIVE && (int)BOOT_MOVE_SEND == MACH_MSG_TYPE_MOVE_SEND &&
          (int)BOOT_COPY_SEND == MACH_MSG_TYPE_COPY_SEND);
BOOT_SAME((int)BOOT_BAD_ID == MIG_BAD_ID && (int)BOOT_BAD_ARGUMENTS == MIG_BAD_ARGUMENTS &&
          (int)BOOT_SERVER_DIED == MIG_SERVER_DIED);
BOOT_SAME((int)BOOT_BUSY == KERN_RESOURCE_SHORTAGE && (int)BOOT_INVALID_RIGHT == KERN_INVALID_RIGHT);

/* Words of an audit token. Their order is that of <bsm/libbsm.h>, whose functions libSystem has not. */
enum { BOOT_TOKEN_EUID = 1, BOOT_TOKEN_PID = 5 };

/* <servers/bootstrap.h>; libSystem has them. */
extern mach_port_t bootstrap_port;
kern_return_t bootstrap_look_up(mach_port_t bootstrap, const char *name, mach_port_t *service);
kern_return_t bootstrap_check_in(mach_port_t bootstrap, const char *name, mach_port_t *service);
kern_return_t bootstrap_register(mach_port_t bootstrap, char *name, mach_port_t service);

#endif
