/*
 * sequence_fuzz.c - conversations with a hostile peer, in each of our roles.
 *
 * An input is a script: a byte for the role and the behaviour of our handlers, one for the order of
 * events, then the steps. The peer connects, sends packets (whole, cut, split or merged, with
 * descriptors), receives, hangs up; our side sends, requests, suspends, cancels, gets no memory.
 * Linked with inline_pool.c, so there are no threads and no waiting, and a script always does the
 * same. This file replaces service.c: names are not served in a directory.
 */
#include <errno.h>
#include <stdio.h>

#include "../bootstrap/close_if_open.h"
#include "../linux/carrier.h"
#include "../linux/endpoint.h"
#include "hostile.h"
#include "inline_pool.h"
#include "ours.h"

enum { STEPS_MAX = 50, PEERS_MAX = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The hostile side: its sockets, and its way to our side. */
static struct {
    int peers[PEERS_MAX], ends[PEERS_MAX]; /* its sockets; the other ends of them, if it kept these */
    unsigned count;
    int door; /* an endpoint of our listener that was passed on to it, or the listening end of its own */
    uint8_t dialled; /* how a connection by name ends */
} hostile;

/* Consumes both. Closes the oldest if there are too many. */
static void add_peer(int socket, int end) {
    unsigned at = hostile.count++ % PEERS_MAX;
    close_if_open(&hostile.peers[at]);
    close_if_open(&hostile.ends[at]);
    hostile.peers[at] = socket;
    hostile.ends[at] = end;
}

/* ---- In place of service.c ------------------------------------------------------------ */

int xl_service_connect(const char *service, struct ucred *server, bool *busy, char reason[XL_REASON_BYTES]) {
    int ends[2];
    *busy = hostile.dialled % 4 == 1;
    snprintf(reason, XL_REASON_BYTES, "%s is not served", service);
    if (hostile.dialled % 4 == 1 || hostile.dialled % 4 == 2 || xl_socket_pair(ends) != 0) return -1;
    *server = (struct ucred){.pid = getpid(), .uid = geteuid(), .gid = getegid()};
    add_peer(ends[1], -1);
    return ends[0];
}

int xl_service_listen(const char *service, struct xl_claim *claim, bool *in_use, char reason[XL_REASON_BYTES]) {
    (void)claim;
    *in_use = false;
    snprintf(reason, XL_REASON_BYTES, "%s is not to be had", service);
    return -1;
}

void xl_claim_drop(struct xl_claim *claim) { (void)claim; }

/* ---- Roles ---------------------------------------------------------------------------- */

static void open_listener(void) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    if (!endpoint || xl_endpoint_derive(((struct xl_carrier *)endpoint)->fd, false, &hostile.door) != XL_SENT) abort();
    xpc_release(endpoint);
    ours_add(listener);
}

static void open_client_by_endpoint(void) {
    int ends[2];
    if (xl_socket_pair(ends) != 0) abort();
    struct xl_carrier *endpoint = xl_carrier_consume(XPC_TYPE_ENDPOINT, ends[1]);
    hostile.door = ends[0];
    ours_add(xpc_connection_create_from_endpoint((xpc_endpoint_t)endpoint));
    xpc_release(endpoint);
}

static void open_role(uint8_t role) {
    switch (role) {
    case 0:
    case 1: open_listener(); break;
    case 2: open_client_by_endpoint(); break;
    case 3: ours_add(xpc_connection_create_mach_service("fuzz", NULL, 0)); break;
    }
}

/* ---- Steps ---------------------------------------------------------------------------- */

/* Connects to our listener. If it keeps the end that it sends, both sides have it. */
static void connect_peer(bool keeps) {
    int ends[2];
    if (hostile.door < 0 || xl_socket_pair(ends) != 0) return;
    hostile_send(hostile.door, hostile_end(XL_KIND_CONNECT, ends[1]), 0, XL_HEADER_BYTES);
    if (!keeps) close_if_open(&ends[1]);
    add_peer(ends[0], ends[1]);
}

/* Passes the endpoint of our listener on to itself. The one that it had becomes one of its sockets. */
static void derive_door(void) {
    int ends[2];
    if (hostile.door < 0 || xl_socket_pair(ends) != 0) return;
    hostile_send(hostile.door, hostile_end(XL_KIND_DERIVE, ends[1]), 0, XL_HEADER_BYTES);
    close_if_open(&ends[1]);
    add_peer(hostile.door, -1);
    hostile.door = ends[0];
}

static void listen_to(int socket) {
    int descriptor;
    for (int i = 0; i < 64 && hostile_receive(socket, &descriptor); i++) {
        if (descriptor >= 0 && socket == hostile.door) add_peer(descriptor, -1);
        else close_if_open(&descriptor);
    }
}

static void hang_up(unsigned peer, uint8_t how) {
    switch (how % 5) {
    case 0: close_if_open(&hostile.peers[peer]); break;
    case 1: close_if_open(&hostile.ends[peer]); break;
    case 2: shutdown(hostile.peers[peer], how & 128 ? SHUT_WR : SHUT_RDWR); break;
    case 3: setsockopt(hostile.ends[peer], SOL_SOCKET, SO_PASSCRED, &(int){0}, sizeof(int)); break;
    case 4:
        if (how & 128) shutdown(hostile.door, SHUT_RDWR);
        close_if_open(&hostile.door);
        break;
    }
}

/* Bits 0 to 3: the step. Bits 4 and 5: which connection. Bit 6: everything runs after it. */
static void step(struct script *script) {
    uint8_t byte = next_byte(script);
    unsigned who = byte >> 4 & 3;
    int socket = hostile.peers[who];
    struct hostile_packet *packet;
    switch (byte & 15) {
    case 0:
    case 1: hostile_send(socket, hostile_packet(script), 0, PACKET_BYTES); break;
    case 2: {
        size_t middle = next_byte(script);
        packet = hostile_packet(script);
        hostile_send(socket, packet, 0, middle);
        hostile_send(socket, packet, middle, PACKET_BYTES);
        break;
    }
    case 3:
        packet = hostile_packet(script);
        hostile_merge(packet, hostile_packet(script));
        hostile_send(socket, packet, 0, PACKET_BYTES);
        break;
    case 4: connect_peer(byte & 128); break;
    case 5:
        if (byte & 128) derive_door();
        else hostile_send(hostile.door, hostile_packet(script), 0, PACKET_BYTES);
        break;
    case 6: hang_up(who, next_byte(script)); break;
    case 7: listen_to(byte & 128 ? hostile.door : socket); break;
    case 8: hostile.dialled = next_byte(script); break;
    case 9: set_order(next_byte(script)); break;
    case 10: ours_answer(byte & 128); break;
    default: ours_act(ours_get(who), script); break;
    }
    if (byte & 64) run_until_quiet();
}

static void leave(void) {
    for (unsigned i = 0; i < PEERS_MAX; i++) {
        close_if_open(&hostile.peers[i]);
        close_if_open(&hostile.ends[i]);
    }
    close_if_open(&hostile.door);
    hostile.dialled = 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct script script = {.at = data, .end = data + size};
    hostile_prepare();
    int open_before = count_open();
    hostile.count = 0;
    for (unsigned i = 0; i < PEERS_MAX; i++) hostile.peers[i] = hostile.ends[i] = -1;
    hostile.door = -1;
    hostile.dialled = 0;

    uint8_t first = next_byte(&script);
    ours_begin(first >> 2 & 3, first >> 4 & 3);
    set_order(next_byte(&script));
    open_role(first & 3);
    for (int i = 0; i < STEPS_MAX && script_left(&script); i++) step(&script);
    run_until_quiet();
    ours_release(first & 64);
    run_until_quiet();
    leave();
    run_until_quiet();

    ours_check();
    MUST(is_pool_empty());
    MUST(count_open() == open_before);
    return 0;
}
