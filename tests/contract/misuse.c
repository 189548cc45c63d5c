/*
 * misuse.c - what Apple's headers forbid ends the process. Each case is run by another process, see suite.c.
 */
#include "events.h"

static void ignore_event(void *nothing, xpc_object_t event) {
    (void)nothing;
    (void)event;
}

static xpc_connection_t started(void) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(listener, HANDLER(ignore_event, NULL));
    xpc_connection_activate(listener);
    return listener;
}

static void release_of_an_inactive_connection(void) { xpc_release(xpc_connection_create(NULL, NULL)); }

static void release_of_a_cancelled_inactive_connection(void) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(listener, HANDLER(ignore_event, NULL));
    xpc_connection_cancel(listener);
    xpc_release(listener);
}

static void release_of_a_suspended_connection(void) {
    xpc_connection_t listener = started();
    xpc_connection_suspend(listener);
    let_everything_pass();
    xpc_connection_cancel(listener);
    xpc_release(listener);
    let_everything_pass();
}

static void resume_of_an_active_connection(void) { xpc_connection_resume(started()); }

static void resume_once_too_often(void) {
    xpc_connection_t listener = started();
    xpc_connection_suspend(listener);
    xpc_connection_resume(listener);
    xpc_connection_resume(listener);
}

static void activation_without_a_handler(void) { xpc_connection_activate(xpc_connection_create(NULL, NULL)); }
static void a_message_that_is_no_dictionary(void) { xpc_connection_send_message(started(), xpc_null_create()); }

static void a_second_requirement(void) {
    xpc_connection_t listener = started();
    for (int i = 0; i < 2; i++) {
        int refused = xpc_connection_set_peer_code_signing_requirement(listener, "anchor apple");
        (void)refused;
    }
}

static void an_index_beyond_the_array(void) { xpc_array_set_int64(xpc_array_create(NULL, 0), 1, 1); }

static const struct contract_case cases[] = {
    {"release of an inactive connection", "connection.h", "xpc_connection_create",
     "It is a programming error to release an inactive or suspended connection", release_of_an_inactive_connection,
     .ends_in = "xpc_release"},
    {"release of an inactive connection that was cancelled", "connection.h", "xpc_connection_activate",
     "Releasing the last reference on an inactive connection that was created with an xpc_connection_create*() call "
     "is undefined",
     release_of_a_cancelled_inactive_connection, .ends_in = "xpc_release"},
    {"release of a suspended connection", "connection.h", "xpc_connection_suspend",
     "must be balanced with calls to xpc_connection_resume() before releasing the last reference",
     release_of_a_suspended_connection, .ends_in = "xpc_release"},
    {"resume of an active connection", "connection.h", "xpc_connection_resume",
     "Calling xpc_connection_resume() more times than xpc_connection_suspend() has been called is otherwise "
     "considered an error",
     resume_of_an_active_connection, .ends_in = "xpc_connection_resume"},
    {"a resume more than suspensions", "connection.h", "xpc_connection_resume",
     "more times than xpc_connection_suspend() has been called is otherwise considered an error",
     resume_once_too_often, .ends_in = "xpc_connection_resume"},
    {"activation without an event handler", "connection.h", "xpc_connection_set_event_handler",
     "You must set an event handler and activate the connection", activation_without_a_handler,
     .ends_in = "xpc_connection_activate"},
    {"a message that is no dictionary", "connection.h", "xpc_connection_send_message",
     "This must be a dictionary object", a_message_that_is_no_dictionary, .ends_in = "xpc_connection_send_message"},
    {"a second requirement on the peer's code signature", "connection.h",
     "xpc_connection_set_peer_code_signing_requirement",
     "It is a programming error to call `xpc_connection_set_peer_code_signing_requirement` more than once per "
     "connection",
     a_second_requirement, .ends_in = "xpc_connection_set_peer_code_signing_requirement"},
    {"an index beyond an array", "xpc.h", "xpc_array_set_int64",
     "If the index is outside that range, the behavior is undefined", an_index_beyond_the_array,
     .ends_in = "xpc_array"},
};

const struct contract_group misuse_group = CONTRACT_GROUP("Misuse ends the process", cases);
