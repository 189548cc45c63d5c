/*
 * bootstrap_fuzz.c - the server of a bootstrap, on any requests with any descriptors.
 *
 * The input is a script: requests through one of several channels, true ones with some bytes changed, each
 * with descriptors of several kinds; services that end; what the server's own process does. The server has no
 * thread here: it runs until nothing is left to do. Checks, besides those of the sanitizers: every served name
 * is watched, what was told fits what is served, and no descriptor is left.
 */
#include <errno.h>
#include <pthread.h>

#include "../bootstrap/attach_linux.h"
#include "../bootstrap/close_if_open.h"
#include "descriptors.h"
#include "script.h"

static int no_thread(pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *context) {
    (void)thread, (void)attributes, (void)work, (void)context;
    return 0;
}

static int no_join(pthread_t thread, void **result) {
    (void)thread, (void)result;
    return 0;
}

/* The server's own functions are tried, and it gets no thread. */
#define pthread_create no_thread
#define pthread_join no_join
#include "../bootstrap/server_linux.c"
#undef pthread_create
#undef pthread_join

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHANNELS = 3, ENDS = 32, NAMES = 6, STEPS = 200, MANY = 253 };

static struct {
    struct boot_server *server;
    int channels[CHANNELS];
    int ends[ENDS]; /* the other ends of rights: -1 if there is none */
    int next_end;
    int told; /* names that were told as served */
    uint8_t mood; /* how the server connects */
} world;

static bool count_names(void *context, enum boot_event event, int32_t pid, const char *name) {
    (void)context, (void)pid;
    MUST(strlen(name) > 0 && strlen(name) < BOOT_NAME_BYTES);
    if (event == BOOT_EVENT_REGISTERED) world.told++;
    if (event == BOOT_EVENT_GONE) world.told--;
    MUST(world.told >= 0);
    return true;
}

static int32_t connect_by_mood(boot_right service, int32_t pid, boot_right *connection) {
    int ends[2];
    MUST(service >= 0 && pid == getpid());
    switch (world.mood % 4) {
    case 1: return BOOT_BUSY;
    case 2: return BOOT_UNKNOWN_SERVICE;
    case 3: return BOOT_NO_MEMORY;
    default: break;
    }
    if (boot_make_pair(ends) != 0) abort();
    ssize_t ignored = send((int)service, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
    close(ends[1]);
    *connection = ends[0];
    return BOOT_DONE;
}

/* ---- the server ---- */

/* Runs the server until it has nothing to do. */
static void run_until_quiet_server(void) {
    struct pollfd state = {.fd = world.server->watches.epoll, .events = POLLIN};
    for (int i = 0; poll(&state, 1, 0) == 1; i++) {
        MUST(i < 1000);
        MUST(run(world.server, boot_watches_wait(&world.server->watches)));
    }
}

static void check_server(void) {
    struct boot_server *server = world.server;
    int served = 0;
    uint32_t rights = 0;
    MUST(server->registry.count <= server->registry.limits.names);
    for (uint32_t i = 0; i < server->registry.count; i++) {
        const struct boot_service *service = &server->registry.services[i];
        MUST(service->right != BOOT_NO_RIGHT || service->declared);
        MUST(boot_registry_find(&server->registry, service->name) == service); /* each name once */
        if (service->right == BOOT_NO_RIGHT) continue;
        struct boot_watched *watched = boot_watches_find(&server->watches, (int)service->right);
        MUST(watched && watched->kind == BOOT_WATCH_RIGHT);
        served++;
    }
    for (uint32_t i = 0; i < server->watches.count; i++) rights += server->watches.list[i].kind == BOOT_WATCH_RIGHT;
    MUST(served == world.told && rights == (uint32_t)served);
}

static void open_channel_at(int which) {
    char value[BOOT_VALUE_BYTES];
    close_if_open(&world.channels[which]);
    MUST(boot_server_offer(world.server, value));
    world.channels[which] = fcntl(atoi(value), F_DUPFD_CLOEXEC, 0);
    boot_server_withdraw(world.server);
}

/* ---- what is sent ---- */

/* One end of a new pair of this type, owned; its other end is kept. */
static int new_end(int type) {
    int ends[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) abort();
    int *kept = &world.ends[world.next_end++ % ENDS];
    close_if_open(kept);
    *kept = ends[0];
    return ends[1];
}

/* A descriptor, owned, of one of these kinds. */
static int descriptor(uint8_t kind) {
    int fd;
    switch (kind % 8) {
    case 0:
    case 1: return new_end(SOCK_SEQPACKET);
    case 2: return fcntl(world.channels[kind / 8 % CHANNELS], F_DUPFD_CLOEXEC, 0);
    case 3: return new_end(SOCK_STREAM);
    case 4:
        fd = new_end(SOCK_SEQPACKET);
        close_if_open(&world.ends[(world.next_end - 1) % ENDS]);
        return fd;
    case 5: return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    default: return fcntl(descriptor_of(kind / 8), F_DUPFD_CLOEXEC, 0);
    }
}

static void send_bytes(int channel, const uint8_t *bytes, size_t length, const int *descriptors, int count) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(MANY * sizeof(int))] = {0};
    struct iovec content = {(void *)bytes, length};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control};
    if (count > 0) attach_control(&message, SCM_RIGHTS, descriptors, (size_t)count * sizeof(int));
    sendmsg(channel, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Whatever the answer is, it is one. */
static void take_answer(int reply, uint32_t id, bool as_encoded) {
    uint8_t bytes[BOOT_BYTES_MAX];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    struct iovec content = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &content, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct boot_answer answer;
    ssize_t length = recvmsg(reply, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length <= 0) return;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    bool has_right = rights && rights->cmsg_type == SCM_RIGHTS;
    MUST(boot_answer_decode(bytes, (size_t)length, &answer) && answer.has_right == has_right);
    if (as_encoded) MUST(answer.id == id + BOOT_REPLY);
    if (!has_right) return;
    int right;
    memcpy(&right, CMSG_DATA(rights), sizeof right);
    int *kept = &world.ends[world.next_end++ % ENDS];
    close_if_open(kept);
    *kept = right;
}

static const char *name_of(uint8_t number) {
    static const char *const names[NAMES] = {"a", "b", "c", "com.example.service", "d", ""};
    return names[number % NAMES];
}

static void request(struct script *script) {
    static const uint32_t ids[] = {400, 401, 402, 404, 405, 700, 701, 702, 399, 0};
    uint8_t bytes[255 * 9] = {0}, which = next_byte(script), shape = next_byte(script);
    struct boot_request made = {.id = ids[which % 10]};
    int descriptors[MANY], own = 0, reply[2];
    made.has_right = made.id == BOOT_REGISTER || made.id == BOOT_RELAY_REGISTER;
    strcpy(made.name, name_of(which / 10));
    size_t length = boot_request_encode(&made, bytes);
    if (shape & 1) length = (size_t)next_byte(script) * 9; /* up to beyond what is received */
    for (int i = shape >> 1 & 3; i > 0; i--) {
        size_t at = next_byte(script);
        bytes[at] = next_byte(script);
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, reply) != 0) abort();
    int count = 0;
    if (!(shape & 8)) descriptors[count++] = reply[1];
    if (made.has_right || shape & 16) {
        for (int more = shape & 16 ? next_byte(script) % 4 : 1; more > 0; more--) {
            descriptors[count + own] = descriptor(next_byte(script));
            own++;
        }
    }
    int all = count + own;
    if ((shape & 0xe0) == 0xe0) {
        while (all < MANY) descriptors[all++] = reply[1];
    }
    send_bytes(world.channels[shape >> 5 & 3 ? (shape >> 5) % CHANNELS : 0], bytes, length, descriptors, all);
    for (int i = 0; i < own; i++) close(descriptors[count + i]);
    close(reply[1]);
    run_until_quiet_server();
    take_answer(reply[0], made.id, !(shape & 7));
    close(reply[0]);
}

static void act(struct script *script) {
    uint8_t which = next_byte(script);
    const char *name = name_of(which / 8 % (NAMES - 1));
    boot_right right = BOOT_NO_RIGHT;
    switch (which % 8) {
    case 0:
        boot_server_register(world.server, name, new_end(SOCK_SEQPACKET));
        break;
    case 1:
        if (boot_server_look_up(world.server, name, &right) == BOOT_DONE) close((int)right);
        break;
    case 2: boot_server_declare(world.server, name, which & 64); break;
    case 3: boot_server_ended(world.server, name); break;
    case 4: close_if_open(&world.ends[which / 8 % ENDS]); break;
    case 5: shutdown(world.ends[which / 8 % ENDS], SHUT_RDWR); break;
    case 6: shutdown(world.channels[which / 8 % CHANNELS], which & 64 ? SHUT_RDWR : SHUT_WR); break;
    default: open_channel_at(which / 8 % CHANNELS); break;
    }
    run_until_quiet_server();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct script script = {data, data + size};
    struct boot_server_options options = {.tell = count_names, .connect = connect_by_mood};
    descriptor_of(0);
    int open_before = count_open();
    memset(&world, 0, sizeof world);
    for (int i = 0; i < ENDS; i++) world.ends[i] = -1;
    for (int i = 0; i < CHANNELS; i++) world.channels[i] = -1;
    world.server = boot_server_start(&options);
    MUST(world.server);
    for (int i = 0; i < CHANNELS; i++) open_channel_at(i);
    for (int i = 0; i < STEPS && script_left(&script); i++) {
        uint8_t step = next_byte(&script);
        world.mood = step / 4 % 8 < 4 ? 0 : step / 32;
        if (step % 4 == 3) act(&script);
        else request(&script);
        check_server();
    }
    boot_server_stop(world.server);
    for (int i = 0; i < ENDS; i++) close_if_open(&world.ends[i]);
    for (int i = 0; i < CHANNELS; i++) close_if_open(&world.channels[i]);
    MUST(count_open() == open_before);
    return 0;
}
