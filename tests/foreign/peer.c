/*
 * peer.c - a host or a client of StreamLib Bridge in plain C, written from docs/protocol.md. It uses
 * XPC and nothing of this library. It stores or gets the endpoint, does the handshake, and exchanges
 * video frames on the ports "video". Another program does the calls of the control plane.
 *
 *     peer client [FAULT]        inverts the pixels of each frame, and sends it back; through a lane, if its
 *                                host has them
 *     peer host COUNT [FAULT]    sends COUNT frames, and checks that they come back inverted
 *
 * With a FAULT it fails in the way that faults.c says, and uses no lane; with full_lane, see lane.c.
 *
 * Environment: STREAMLIB_BROKER_XPC_SERVICE, STREAMLIB_CONNECTION_ID and, if the connection
 * has tokens, STREAMLIB_CONNECTION_TOKEN (this side's) and PEER_CLIENT_TOKEN (what the host
 * expects in the hello); PEER_SCHEMA_HASH; PEER_LAYOUT, for a client that declares its ports; PEER_ACK=xpc to report
 * the ACK to the broker here.
 *
 * Prints its progress, one word per line (stored, pong, and flooding before a flood), and at the end a line of JSON. A host
 * then waits for the end of stdin before it ends the channel. If the channel ends early, its code is 1,
 * and stderr has the last words of the side that has ended it.
 */
#include <pthread.h>

#include "block.h"
#include "peer.h"

/* It ends itself after this time, in seconds, even if the test that started it has ended. */
enum { LIMIT_SECONDS = 600, WAIT_MS = 120000 };
static const uint64_t PROTOCOL_VERSION = 1;

bool is_host, started;
const char *fault = "";
uint64_t to_send;
sem_t over;
struct counts count;
static bool lost; /* the channel has ended */
static const char *connection_id, *token, *client_token, *schema_hash, *layout;
static xpc_connection_t broker, channel;

void die(const char *why) {
    fprintf(stderr, "peer: %s\n", why);
    exit(1);
}

static void say_last_words(void) {
    char *why = xpc_connection_copy_invalidation_reason(channel);
    fprintf(stderr, "peer: the channel ended: %s\n", why ? why : "nobody has said why");
    free(why);
}

static void say(const char *word) {
    printf("%s\n", word);
    fflush(stdout);
}

bool is_text(xpc_object_t message, const char *key, const char *expected) {
    const char *text = xpc_dictionary_get_string(message, key);
    return strcmp(text ? text : "", expected) == 0;
}

/* ---- The broker -------------------------------------------------------------------------- */

static xpc_object_t broker_message(const char *type) {
    xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(message, "type", type);
    xpc_dictionary_set_string(message, "connection_id", connection_id);
    if (*token) xpc_dictionary_set_string(message, "token", token);
    return message;
}

/* Sends and releases the message, and returns the reply, +1, in which `key` must be true. */
static xpc_object_t broker_call(xpc_object_t message, const char *key) {
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(broker, message);
    xpc_release(message);
    if (xpc_get_type(reply) != XPC_TYPE_DICTIONARY || !xpc_dictionary_get_bool(reply, key)) {
        char *text = xpc_copy_description(reply);
        fprintf(stderr, "peer: the broker refused: %s\n", text);
        exit(1);
    }
    return reply;
}

static void report_ack(void) {
    const char *by = getenv("PEER_ACK");
    if (by && strcmp(by, "xpc") == 0) {
        xpc_object_t message = broker_message("acked");
        xpc_dictionary_set_string(message, "side", is_host ? "host" : "client");
        xpc_release(broker_call(message, "success"));
    }
    say("pong");
}

/* ---- Control messages -------------------------------------------------------------------- */

xpc_object_t control(const char *type) {
    xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(message, "msg_type", "control");
    xpc_dictionary_set_string(message, "ctrl_type", type);
    return message;
}

void send_message(xpc_object_t message) {
    if (lane_is_open()) lane_number(message);
    xpc_connection_send_message(channel, message);
    xpc_release(message);
}

void send_payload(const char *type, const char bytes[3]) {
    xpc_object_t message = control(type);
    xpc_dictionary_set_data(message, "payload", bytes, 3);
    send_message(message);
}

static bool has_payload(xpc_object_t message, const char bytes[3]) {
    size_t length = 0;
    const void *data = xpc_dictionary_get_data(message, "payload", &length);
    return data && length == 3 && memcmp(data, bytes, 3) == 0;
}

/* ---- Features ---------------------------------------------------------------------------- */

static xpc_object_t features(void) {
    xpc_object_t names = xpc_array_create(NULL, 0);
    xpc_array_set_string(names, XPC_ARRAY_APPEND, "ends");
    if (!*fault || lane_acts_full()) xpc_array_set_string(names, XPC_ARRAY_APPEND, "lanes");
    return names;
}

bool has_feature(xpc_object_t message, const char *feature) {
    xpc_object_t names = xpc_dictionary_get_array(message, "features");
    for (size_t i = 0; names && i < xpc_array_get_count(names); i++) {
        const char *name = xpc_array_get_string(names, i);
        if (name && strcmp(name, feature) == 0) return true;
    }
    return false;
}

/* ---- The channel ------------------------------------------------------------------------- */

/* Answers a ping. Messages have numbers from then on, if there is a lane. */
static void send_pong(xpc_object_t ping) {
    xpc_object_t pong = lane_open(ping);
    if (!pong) {
        send_payload("pong", "SLA");
        return;
    }
    send_message(pong);
    lane_start();
}

/* Declares the port "video" of one direction, as the host has it. */
static void declare(xpc_object_t message, const char *direction) {
    xpc_object_t video = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(video, "read_behavior", "read_next_in_order");
    xpc_dictionary_set_uint64(video, "capacity", CAPACITY);
    xpc_dictionary_set_string(video, "layout", layout);
    xpc_object_t ports = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_value(ports, "video", video);
    xpc_dictionary_set_value(message, direction, ports);
    xpc_release(video);
    xpc_release(ports);
}

static void send_started(void) {
    xpc_object_t message = control("started");
    if (*layout) {
        declare(message, "inputs");
        declare(message, "outputs");
    }
    send_message(message);
}

static void handle_control(xpc_object_t message) {
    if (is_text(message, "ctrl_type", "ping") && !is_host) {
        if (!has_payload(message, "SLP")) die("the ping is wrong");
        if (fail_after_ping()) return;
        send_pong(message);
        report_ack();
        send_started();
        fail_after_start();
    } else if (is_text(message, "ctrl_type", "pong") && is_host) {
        if (!has_payload(message, "SLA")) die("the pong is wrong");
        report_ack();
    } else if (is_text(message, "ctrl_type", "started") && is_host) {
        started = true;
        fail_after_start();
        host_send();
    } else if (is_text(message, "ctrl_type", "surface_offer")) {
        on_surface_offer(message);
    } else if (is_text(message, "ctrl_type", "surface_retire")) {
        on_surface_retire(message);
    } else if (is_text(message, "ctrl_type", "release")) {
        on_release(message);
    } else if (is_text(message, "ctrl_type", "end") && is_text(message, "port_name", "video")) {
        on_end();
    } else if (is_text(message, "ctrl_type", "teardown")) {
        sem_post(&over);
    } else if (is_text(message, "ctrl_type", "error")) {
        const char *why = xpc_dictionary_get_string(message, is_host ? "error" : "reason");
        die(why ? why : "the other side failed");
    } /* ignores unknown messages: a newer peer may send more */
}

static void handle(xpc_object_t message) {
    if (lane_is_open()) lane_arrived(message);
    if (is_text(message, "msg_type", "control")) handle_control(message);
    else if (is_text(message, "msg_type", "frame")) on_frame(message);
    if (lane_is_open()) lane_read();
}

static void on_channel(struct block *block, xpc_object_t event) {
    (void)block;
    if (xpc_get_type(event) == XPC_TYPE_ERROR) {
        lost = true;
        sem_post(&over);
        return;
    }
    lane_enter();
    handle(event);
    lane_leave();
}
BLOCK(channel_block, on_channel);

/* A peer of the host's listener: its first message must be our client's hello. */
static void on_stranger(struct block *block, xpc_object_t event) {
    (void)block;
    if (xpc_get_type(event) != XPC_TYPE_DICTIONARY) return;
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&one_at_a_time);
    xpc_connection_t peer = xpc_dictionary_get_remote_connection(event);
    if (channel || !is_text(event, "msg_type", "control") || !is_text(event, "ctrl_type", "hello") ||
        !is_text(event, "connection_id", connection_id) || !is_text(event, "token", client_token) ||
        xpc_dictionary_get_uint64(event, "protocol_version") != PROTOCOL_VERSION ||
        !is_text(event, "schema_hash", schema_hash)) {
        count.refused++;
        xpc_connection_cancel(peer);
    } else {
        channel = (xpc_connection_t)xpc_retain(peer);
        xpc_connection_set_event_handler(channel, handler(&channel_block));
        send_payload("ping", "SLP");
    }
    pthread_mutex_unlock(&one_at_a_time);
}
BLOCK(stranger_block, on_stranger);

static void on_listener(struct block *block, xpc_object_t event) {
    (void)block;
    if (xpc_get_type(event) != XPC_TYPE_CONNECTION) return;
    xpc_connection_set_event_handler((xpc_connection_t)event, handler(&stranger_block));
    xpc_connection_activate((xpc_connection_t)event);
}
BLOCK(listener_block, on_listener);

static void on_broker(struct block *block, xpc_object_t event) { (void)block, (void)event; }
BLOCK(broker_block, on_broker);

/* ---- The two parts ----------------------------------------------------------------------- */

static void begin_client(void) {
    xpc_object_t message = broker_message("get_endpoint");
    xpc_dictionary_set_uint64(message, "wait_ms", WAIT_MS); /* the broker waits that long for the host to store it */
    xpc_object_t reply = broker_call(message, "found");
    xpc_object_t endpoint = xpc_dictionary_get_value(reply, "endpoint");
    if (!endpoint || xpc_get_type(endpoint) != XPC_TYPE_ENDPOINT) die("the reply has no endpoint");
    channel = xpc_connection_create_from_endpoint((xpc_endpoint_t)endpoint);
    xpc_release(reply);
    xpc_connection_set_event_handler(channel, handler(&channel_block));
    xpc_connection_activate(channel);
    xpc_object_t hello = control("hello");
    xpc_dictionary_set_string(hello, "connection_id", connection_id);
    if (*token) xpc_dictionary_set_string(hello, "token", token);
    xpc_dictionary_set_uint64(hello, "protocol_version", PROTOCOL_VERSION);
    xpc_dictionary_set_string(hello, "schema_hash", schema_hash);
    xpc_object_t names = features();
    xpc_dictionary_set_value(hello, "features", names);
    xpc_release(names);
    send_message(hello);
}

static xpc_connection_t begin_host(void) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_connection_set_event_handler(listener, handler(&listener_block));
    xpc_connection_activate(listener);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    xpc_object_t message = broker_message("store_endpoint");
    xpc_dictionary_set_value(message, "endpoint", endpoint);
    xpc_release(broker_call(message, "success"));
    xpc_release(endpoint);
    say("stored");
    return listener;
}

static const char *variable(const char *name, bool needed) {
    const char *value = getenv(name);
    if (!value && needed) {
        fprintf(stderr, "peer: %s is not set\n", name);
        exit(2);
    }
    return value ? value : "";
}

int main(int argc, char **argv) {
    is_host = (argc == 3 || argc == 4) && strcmp(argv[1], "host") == 0;
    if (!is_host && !((argc == 2 || argc == 3) && strcmp(argv[1], "client") == 0))
        die("usage: peer client [FAULT] | peer host COUNT [FAULT]");
    if (argc == (is_host ? 4 : 3)) fault = argv[argc - 1];
    if (is_host) to_send = strtoull(argv[2], NULL, 10);
    connection_id = variable("STREAMLIB_CONNECTION_ID", true);
    token = variable("STREAMLIB_CONNECTION_TOKEN", false);
    client_token = variable("PEER_CLIENT_TOKEN", false);
    schema_hash = variable("PEER_SCHEMA_HASH", true);
    layout = variable("PEER_LAYOUT", false);
    alarm(LIMIT_SECONDS);
    sem_init(&over, 0, 0);
    broker = xpc_connection_create_mach_service(variable("STREAMLIB_BROKER_XPC_SERVICE", true), NULL, 0);
    xpc_connection_set_event_handler(broker, handler(&broker_block));
    xpc_connection_activate(broker); /* stays open: if it ends, the broker takes this side for dead */
    xpc_connection_t listener = NULL;
    if (is_host) listener = begin_host();
    else begin_client();

    while (sem_wait(&over) != 0) continue;
    bool early = lost;
    if (early) say_last_words();
    printf("{\"role\":\"%s\",\"ended\":\"%s\",\"sent\":%u,\"received\":%u,\"wrong\":%u,\"dropped\":%u,"
           "\"released\":%u,\"offers\":%u,\"retired\":%u,\"refused\":%u,\"records\":%u,\"ends\":%u}\n",
           argv[1], lost ? "lost" : is_host ? "done" : "teardown", count.sent, count.received, count.wrong,
           count.dropped, count.released, count.offers, count.retired, count.refused, count.records, count.ends);
    fflush(stdout);
    if (is_host) {
        while (getchar() != EOF) continue;
        if (!lost) {
            send_message(control("teardown"));
            while (sem_wait(&over) != 0) continue; /* the client has left */
        }
        xpc_connection_cancel(listener);
    }
    return early ? 1 : 0;
}
