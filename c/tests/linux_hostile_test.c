/*
 * linux_hostile_test.c - peers that break the rules: they are dropped with everything that they
 * sent, and others do not notice.
 *
 * The hostile side uses plain sockets: it connects to an endpoint by hand, and keeps a copy of the
 * end that it sends to the listener.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bootstrap/attach_linux.h"
#include "carrier.h"
#include "linux_support.h"
#include "packet.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

/* A listener that answers, an honest client of it, and a hostile one. */
struct scene {
    xpc_connection_t listener, honest;
    xpc_endpoint_t endpoint;
    int ours, theirs; /* the hostile connection: its end, and its copy of the listener's end */
};

/* Sends bytes and descriptors unchanged. */
static bool send_raw(int socket, const void *bytes, size_t length, const int *descriptors, size_t count) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(64 * sizeof(int))] = {0};
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control};
    if (count) attach_control(&header, SCM_RIGHTS, descriptors, count * sizeof(int));
    return sendmsg(socket, &header, MSG_NOSIGNAL) == (ssize_t)length;
}

static void send_kind(int socket, enum xl_kind kind, uint64_t id, xpc_object_t body, int descriptor) {
    const char *why;
    bool refused;
    struct xl_parcel *parcel = xl_parcel_create(kind, id, body, &why, &refused);
    CHECK(xl_parcel_send(socket, parcel, descriptor) == XL_SENT);
    xl_parcel_free(parcel);
}

/* Checks that the listener has closed. What it sent before, for example a reply, comes first. */
static bool is_dropped(int socket) {
    char bytes[1000];
    while (is_readable(socket)) {
        ssize_t length = recv(socket, bytes, sizeof bytes, MSG_DONTWAIT);
        if (length == 0 || (length < 0 && errno != EAGAIN)) return true;
    }
    return false;
}

static struct scene scene_open(void) {
    struct scene scene;
    int ends[2];
    scene.listener = start(xpc_connection_create(NULL, NULL), accept_and_answer, NULL);
    scene.endpoint = xpc_endpoint_create(scene.listener);
    scene.honest = start(xpc_connection_create_from_endpoint(scene.endpoint), record_event, record_create());
    CHECK(xl_socket_pair(ends) == 0);
    scene.ours = ends[0];
    scene.theirs = ends[1];
    send_kind(((struct xl_carrier *)scene.endpoint)->fd, XL_KIND_CONNECT, 0, NULL, ends[1]);
    return scene;
}

static void check_honest(struct scene *scene) {
    xpc_object_t message = message_of(4);
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(scene->honest, message);
    CHECK(number_of(xpc_dictionary_get_value(reply, "echo")) == 4);
    xpc_release(reply);
    xpc_release(message);
}

static void scene_close(struct scene *scene) {
    check_honest(scene);
    close(scene->ours);
    close(scene->theirs);
    xpc_release(scene->endpoint);
    end(scene->honest);
    end(scene->listener);
}

/* Sends a valid request and waits for its reply, so that the hostile peer has been announced. */
static void say_hello(struct scene *scene) {
    xpc_object_t message = message_of(1);
    char bytes[1000];
    send_kind(scene->ours, XL_KIND_REQUEST, 1, message, -1);
    CHECK(is_readable(scene->ours));
    CHECK(recv(scene->ours, bytes, sizeof bytes, 0) > XL_HEADER_BYTES);
    xpc_release(message);
}

enum outcome { DROPPED, TOLERATED };

/* Each attack once as a stranger, once as a peer. */
static void attack(void (*with)(struct scene *scene), enum outcome outcome) {
    for (int announced = 0; announced < 2; announced++) {
        struct scene scene = scene_open();
        if (announced) say_hello(&scene);
        with(&scene);
        if (outcome == TOLERATED) {
            say_hello(&scene);
            shutdown(scene.ours, SHUT_WR);
        }
        CHECK(is_dropped(scene.ours));
        scene_close(&scene);
        settle();
    }
}

/* ---- Attacks -------------------------------------------------------------------------- */

static void send_garbage(struct scene *scene) { CHECK(send_raw(scene->ours, "garbage", 7, NULL, 0)); }

static void send_nothing_with_descriptors(struct scene *scene) {
    int descriptors[3] = {0, 1, 2};
    CHECK(send_raw(scene->ours, "", 0, descriptors, 3));
}

static void send_too_much(struct scene *scene) {
    char *bytes = calloc(1, 100000);
    CHECK(send_raw(scene->ours, bytes, 100000, NULL, 0));
    free(bytes);
}

static void send_many_descriptors(struct scene *scene) {
    int descriptors[64] = {0};
    struct xl_header header = {.kind = XL_KIND_MESSAGE, .length = 5, .descriptors = 16};
    uint8_t bytes[XL_HEADER_BYTES + 5] = {0};
    bytes[XL_HEADER_BYTES] = XL_TAG_DICTIONARY;
    xl_header_encode(&header, bytes);
    for (size_t count = 1; count <= 64; count++) send_raw(scene->ours, bytes, sizeof bytes, descriptors, count);
}

/* Without credentials there is room for more descriptors than any message may have. */
static void hide_identity(struct scene *scene) {
    CHECK(setsockopt(scene->theirs, SOL_SOCKET, SO_PASSCRED, &(int){0}, sizeof(int)) == 0);
    send_many_descriptors(scene);
}

static void ask_for_pidfds(struct scene *scene) {
    setsockopt(scene->theirs, SOL_SOCKET, SO_PASSPIDFD, &(int){1}, sizeof(int)); /* Linux 6.5 */
    xpc_object_t message = message_of(1);
    for (int i = 0; i < 20; i++) send_kind(scene->ours, XL_KIND_MESSAGE, 0, message, -1);
    xpc_release(message);
}

static void connect_to_a_peer(struct scene *scene) { send_kind(scene->ours, XL_KIND_CONNECT, 0, NULL, 0); }

/* A long body in a memfd that is not sealed against writing. */
static void spill_unsealed(struct scene *scene) {
    struct xl_header header = {.kind = XL_KIND_MESSAGE, .spilled = true, .length = 100000};
    uint8_t bytes[XL_HEADER_BYTES];
    int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK(ftruncate(fd, 100000) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
    xl_header_encode(&header, bytes);
    CHECK(send_raw(scene->ours, bytes, sizeof bytes, &fd, 1));
    close(fd);
}

static void spill_a_pipe(struct scene *scene) {
    struct xl_header header = {.kind = XL_KIND_MESSAGE, .spilled = true, .length = 100000};
    uint8_t bytes[XL_HEADER_BYTES];
    int ends[2];
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    xl_header_encode(&header, bytes);
    CHECK(send_raw(scene->ours, bytes, sizeof bytes, &ends[0], 1));
    close(ends[0]);
    close(ends[1]);
}

static void speak(int socket) {
    xpc_object_t message = message_of(1);
    send_kind(socket, XL_KIND_MESSAGE, 0, message, -1);
    xpc_release(message);
}

/* Another process sends on the connection of the one that opened it. */
static void let_a_child_speak(struct scene *scene) {
    char socket[16];
    speak(scene->ours);
    snprintf(socket, sizeof socket, "%d", scene->ours);
    pid_t child = fork();
    if (child == 0) {
        fcntl(scene->ours, F_SETFD, 0);
        become_child("speaker", socket);
    }
    CHECK(wait_for_child(child) == 0);
}

static void answer_what_was_not_asked(struct scene *scene) {
    xpc_object_t message = message_of(1);
    say_hello(scene); /* a stranger whose first packet is a reply would be dropped */
    for (uint64_t id = 1; id < 50; id++) send_kind(scene->ours, XL_KIND_REPLY, id, message, -1);
    for (uint64_t id = 1; id < 50; id++) send_kind(scene->ours, XL_KIND_DECLINE, id, NULL, -1);
    xpc_release(message);
}

static void garbage(void) { attack(send_garbage, DROPPED); }
static void nothing_with_descriptors(void) { attack(send_nothing_with_descriptors, DROPPED); }
static void too_much(void) { attack(send_too_much, DROPPED); }
static void many_descriptors(void) { attack(send_many_descriptors, DROPPED); }
static void hidden_identity(void) { attack(hide_identity, DROPPED); }
static void pidfds(void) { attack(ask_for_pidfds, TOLERATED); }
static void connecting_to_a_peer(void) { attack(connect_to_a_peer, DROPPED); }
static void unsealed_long_bodies(void) { attack(spill_unsealed, DROPPED); }
static void pipes_as_long_bodies(void) { attack(spill_a_pipe, DROPPED); }
static void another_process_in_the_same_name(void) { attack(let_a_child_speak, DROPPED); }
static void unasked_answers(void) { attack(answer_what_was_not_asked, TOLERATED); }

/* ---- The endpoint itself -------------------------------------------------------------- */

static void garbage_to_the_endpoint(void) {
    struct scene scene = scene_open();
    int fd = ((struct xl_carrier *)scene.endpoint)->fd, descriptors[64] = {0}, ends[2];
    xpc_object_t message = message_of(1);
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    CHECK(send_raw(fd, "garbage", 7, descriptors, 20));
    send_kind(fd, XL_KIND_MESSAGE, 0, message, -1);
    send_kind(fd, XL_KIND_CONNECT, 0, NULL, ends[0]); /* a pipe, not a socket */
    check_honest(&scene);
    close(ends[0]);
    close(ends[1]);
    xpc_release(message);
    scene_close(&scene);
}

/* As a process that passes its endpoint on does not let others do it: see linux_endpoint_test.c. */
static void shutting_down_the_endpoint(void) {
    struct record *listened = record_create();
    xpc_connection_t listener = start(xpc_connection_create(NULL, NULL), record_event, listened);
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    shutdown(((struct xl_carrier *)endpoint)->fd, SHUT_RDWR);
    CHECK(record_get(listened, 0) == INVALID);
    check_reason(listener, "its endpoint was shut down in its own process");
    xpc_release(endpoint);
    end(listener);
}

/* ---- At random ------------------------------------------------------------------------ */

static uint64_t seed = 88172645463325252u;

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void changed_packets(void) {
    xpc_object_t message = message_of(1);
    xpc_dictionary_set_fd(message, "fd", 0);
    const char *why;
    bool refused;
    struct xl_parcel *parcel = xl_parcel_create(XL_KIND_REQUEST, 9, message, &why, &refused);
    for (int i = 0; i < 300; i++) {
        struct scene scene = scene_open();
        if (i % 2) say_hello(&scene);
        for (int packets = 0; packets < 20; packets++) {
            uint8_t *bytes = malloc(parcel->length);
            int descriptors[3] = {0, 1, 2};
            memcpy(bytes, parcel->bytes, parcel->length);
            for (uint64_t flips = next_random() % 3; flips; flips--) {
                bytes[next_random() % parcel->length] = (uint8_t)next_random();
            }
            size_t length = next_random() % 8 ? parcel->length : 1 + next_random() % parcel->length;
            send_raw(scene.ours, bytes, length, descriptors, next_random() % 8 ? 1 : next_random() % 3);
            free(bytes);
        }
        shutdown(scene.ours, SHUT_WR);
        CHECK(is_dropped(scene.ours));
        scene_close(&scene);
    }
    xl_parcel_free(parcel);
    xpc_release(message);
}

static const struct test tests[] = {
    {"garbage", garbage},
    {"nothing, with descriptors", nothing_with_descriptors},
    {"too much", too_much},
    {"many descriptors", many_descriptors},
    {"hidden identity", hidden_identity},
    {"pidfds", pidfds},
    {"connecting to a peer", connecting_to_a_peer},
    {"unsealed long bodies", unsealed_long_bodies},
    {"pipes as long bodies", pipes_as_long_bodies},
    {"another process in the same name", another_process_in_the_same_name},
    {"unasked answers", unasked_answers},
    {"garbage to the endpoint", garbage_to_the_endpoint},
    {"shutting down the endpoint", shutting_down_the_endpoint},
    {"changed packets", changed_packets},
};

int main(int argc, char **argv) {
    if (argc > 3 && strcmp(argv[1], "--child") == 0) {
        speak(atoi(argv[3]));
        return check_failures ? 1 : 0;
    }
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
