/* messages_macos.c: see messages_macos.h. */
#include "messages_macos.h"

#include <string.h>

void boot_mach_drop(mach_port_t port) {
    if (MACH_PORT_VALID(port)) mach_port_deallocate(mach_task_self(), port);
}

mach_port_t boot_mach_make(void) {
    mach_port_t port;
    if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS) return MACH_PORT_NULL;
    if (mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS) return port;
    boot_mach_close(port);
    return MACH_PORT_NULL;
}

void boot_mach_close(mach_port_t port) {
    if (MACH_PORT_VALID(port)) mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

mach_msg_return_t boot_mach_receive(mach_port_t from, union boot_mach_message *message, mach_msg_timeout_t limit_ms) {
    mach_msg_option_t options = MACH_RCV_MSG | MACH_RCV_TIMEOUT | MACH_RCV_TRAILER_TYPE(MACH_MSG_TRAILER_FORMAT_0) |
                                MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT);
    return mach_msg(&message->header, options, 0, sizeof *message, from, limit_ms, MACH_PORT_NULL);
}

bool boot_mach_sender(const union boot_mach_message *message, pid_t *pid, uid_t *uid) {
    mach_msg_audit_trailer_t trailer;
    memcpy(&trailer, message->bytes + round_msg(message->header.msgh_size), sizeof trailer);
    if (trailer.msgh_trailer_type != MACH_MSG_TRAILER_FORMAT_0 || trailer.msgh_trailer_size < sizeof trailer) return false;
    *pid = (pid_t)trailer.msgh_audit.val[BOOT_TOKEN_PID];
    *uid = trailer.msgh_audit.val[BOOT_TOKEN_EUID];
    return true;
}

mach_msg_return_t boot_mach_send(mach_msg_header_t *header, mach_msg_timeout_t limit_ms) {
    mach_msg_return_t result =
        mach_msg(header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, header->msgh_size, 0, MACH_PORT_NULL, limit_ms, MACH_PORT_NULL);
    if (result == MACH_MSG_SUCCESS) return result;
    /* A message that found no room comes back, with rights of this process. That for the reply is not destroyed with it. */
    if (MACH_MSGH_BITS_LOCAL(header->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE) boot_mach_drop(header->msgh_local_port);
    mach_msg_destroy(header);
    return result;
}

struct boot_mach_reply boot_mach_take_reply(union boot_mach_message *message) {
    struct boot_mach_reply reply = {message->header.msgh_remote_port, MACH_MSGH_BITS_REMOTE(message->header.msgh_bits)};
    message->header.msgh_remote_port = MACH_PORT_NULL;
    return reply;
}

mach_msg_return_t boot_mach_pass_on(union boot_mach_message *message, mach_port_t to, struct boot_mach_reply *reply) {
    mach_msg_header_t *header = &message->header;
    header->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, reply->kind);
    header->msgh_remote_port = to;
    header->msgh_local_port = reply->port;
    mach_msg_return_t result =
        mach_msg(header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, header->msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
    *reply = (struct boot_mach_reply){header->msgh_local_port, MACH_MSGH_BITS_LOCAL(header->msgh_bits)};
    /* If it found no room, the reference to `to` that it had comes back as one of this process. */
    bool back = result != MACH_MSG_SUCCESS && MACH_MSGH_BITS_REMOTE(header->msgh_bits) == MACH_MSG_TYPE_MOVE_SEND;
    if (back) boot_mach_drop(header->msgh_remote_port);
    header->msgh_remote_port = MACH_PORT_NULL; /* nothing is left in the message */
    return result;
}

void boot_mach_answer(struct boot_mach_reply reply, struct boot_answer answer, mach_port_t right) {
    union {
        struct boot_mach_right_answer with_right;
        uint8_t bytes[BOOT_RIGHT_ANSWER_BYTES];
    } message;
    answer.has_right = right != MACH_PORT_NULL;
    boot_answer_encode(&answer, message.bytes);
    mach_msg_header_t *header = &message.with_right.header;
    header->msgh_bits = MACH_MSGH_BITS(reply.kind, 0) | (answer.has_right ? MACH_MSGH_BITS_COMPLEX : 0);
    header->msgh_remote_port = reply.port;
    if (answer.has_right) message.with_right.right.name = right;
    if (MACH_PORT_VALID(reply.port)) boot_mach_send(header, 0);
    else mach_msg_destroy(header);
}

bool boot_mach_is_live(mach_port_t right) {
    mach_port_type_t type;
    return mach_port_type(mach_task_self(), right, &type) == KERN_SUCCESS && (type & MACH_PORT_TYPE_SEND);
}
