/*
 * A service as macOS starts it from a bundle: it has a handler of new peers and calls xpc_main. It
 * answers each message with the number of its bytes of text, and sends an endpoint in an array.
 */
#include <stdio.h>
#include <xpc/activity.h>
#include <xpc/base.h>
#include <xpc/debug.h>
#include <xpc/endpoint.h>
#include <xpc/listener.h>
#include <xpc/session.h>
#include <xpc/xpc.h>

XPC_NOINLINE static void answer(xpc_connection_t peer, xpc_object_t message) {
    xpc_object_t reply = xpc_dictionary_create_reply(message);
    if (!reply) return;
    xpc_transaction_begin();
    xpc_dictionary_set_uint64(reply, "length", strlen(xpc_dictionary_get_string(message, "text")));
    xpc_connection_send_message(peer, reply);
    xpc_release(reply);
    xpc_transaction_end();
}

static void serve(xpc_connection_t peer) {
    if (xpc_connection_set_peer_code_signing_requirement(peer, "anchor apple") == 0) abort();
    xpc_connection_set_event_handler(peer, ^(xpc_object_t event) {
        if (xpc_get_type(event) == XPC_TYPE_ACTIVITY) abort();
        if (xpc_get_type(event) == XPC_TYPE_DICTIONARY) answer(peer, event);
    });
    xpc_connection_resume(peer);
}

int main(void) {
    puts("serving");
    fflush(stdout);
    xpc_main(serve);
}
