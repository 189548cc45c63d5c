/*
 * lane.c - the lane of a client: records in shared memory, from docs/protocol.md and <streamlib_lane.h>. It calls nothing
 * of the shim, so that the two describe a lane completely.
 *
 * With the fault "full_lane" it does what a slow reader with a full ring does: it never says how far it has read, so
 * that the host finds no room, and it sends every other frame as a message.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <streamlib_lane.h>
#include <sys/socket.h>

#include "numbers.h"
#include "peer.h"

enum { FROM_HOST = 0, FROM_CLIENT = 1 };
enum { FRAME = 1, RELEASE = 2, END = 3, SKIP = 4 };
/* Of a record. */
enum { AT_AFTER = 0, AT_KIND = 6, AT_SLOTS = 7, AT_FRAME = 8, AT_BYTES = 12, HEADER_BYTES = 16 };
/* Of payloads. */
enum { END_BYTES = 8, RELEASE_BYTES = 12, PIECE_BYTES = 8, ONE_RELEASE_BYTES = RELEASE_BYTES + PIECE_BYTES };
enum { LONGEST_RECORD = 255 * SLB_LANE_SLOT_BYTES };

/* Each record of this side takes one slot, so none would go over the ring's end, and nothing is skipped. */
_Static_assert(HEADER_BYTES + VIDEO_BYTES <= SLB_LANE_SLOT_BYTES, "a frame");
_Static_assert(HEADER_BYTES + ONE_RELEASE_BYTES <= SLB_LANE_SLOT_BYTES, "a release");

static struct {
    bool open;
    uint8_t *memory;
    uint32_t slots;
    uint32_t head, tail; /* the slots that this side has written, and those that it has read */
    uint32_t seen;       /* the host's head when it was last looked at */
    uint32_t sent, came; /* messages with a number */
    int bell, hosts_bell;
} lane;

static pthread_mutex_t channel = PTHREAD_MUTEX_INITIALIZER;

void lane_enter(void) { pthread_mutex_lock(&channel); }

void lane_leave(void) { pthread_mutex_unlock(&channel); }

bool lane_is_open(void) { return lane.open; }

bool lane_acts_full(void) { return strcmp(fault, "full_lane") == 0; }

/* ---- The memory -------------------------------------------------------------------------- */

static _Atomic uint32_t *word(size_t at) { return (_Atomic uint32_t *)(void *)(lane.memory + at); }

static _Atomic uint32_t *counter(uint32_t direction, size_t field) {
    return word(SLB_LANE_HEADERS + SLB_LANE_HEADER_BYTES * direction + field);
}

static uint8_t *slot(uint32_t direction, uint32_t position) {
    return lane.memory + SLB_LANE_SLOTS + SLB_LANE_SLOT_BYTES * (lane.slots * direction + position % lane.slots);
}

static void map_memory(xpc_object_t shmem) {
    void *memory;
    size_t bytes = xpc_shmem_map(shmem, &memory);
    if (bytes < SLB_LANE_SLOTS) die("the lane cannot be mapped");
    lane.memory = memory;
    lane.slots = atomic_load(word(SLB_LANE_AT_SLOTS));
    if (atomic_load(word(SLB_LANE_AT_MAGIC)) != SLB_LANE_MAGIC ||
        atomic_load(word(SLB_LANE_AT_VERSION)) != SLB_LANE_VERSION ||
        atomic_load(word(SLB_LANE_AT_SLOT_BYTES)) != SLB_LANE_SLOT_BYTES || lane.slots < SLB_LANE_MIN_SLOTS ||
        lane.slots > SLB_LANE_MAX_SLOTS || (lane.slots & (lane.slots - 1)) != 0 || bytes < SLB_LANE_BYTES(lane.slots))
        die("the memory is no lane");
}

/* ---- Writing ----------------------------------------------------------------------------- */

static void write_record(uint8_t *to, uint8_t kind, uint8_t slots, uint32_t frame, const uint8_t *payload, uint32_t bytes) {
    memset(to, 0, HEADER_BYTES); /* the port is that of index 0: there is one in each direction */
    put_number(to + AT_AFTER, 4, lane.sent);
    to[AT_KIND] = kind;
    to[AT_SLOTS] = slots;
    put_number(to + AT_FRAME, 4, frame);
    put_number(to + AT_BYTES, 4, bytes);
    memcpy(to + HEADER_BYTES, payload, bytes);
}

/* Sends a record. False: the ring has no room for it. */
static bool send_record(uint8_t kind, uint32_t frame, const uint8_t *payload, uint32_t bytes) {
    uint32_t unread = lane.head - atomic_load(counter(FROM_CLIENT, SLB_LANE_TAIL));
    if (unread > lane.slots) die("the host has read what was not written");
    if (unread == lane.slots) return false;
    write_record(slot(FROM_CLIENT, lane.head), kind, 1, frame, payload, bytes);
    atomic_store(counter(FROM_CLIENT, SLB_LANE_HEAD), ++lane.head);
    if (atomic_exchange(counter(FROM_CLIENT, SLB_LANE_ASLEEP), 0) == 1)
        send(lane.hosts_bell, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); /* a bell that is full was rung */
    return true;
}

bool lane_send_video(const struct video *video, uint64_t frame_id) {
    uint8_t payload[VIDEO_BYTES], record[HEADER_BYTES + VIDEO_BYTES];
    if (!lane.open) return false;
    video_to_payload(video, payload);
    bool is_message = lane_acts_full() && frame_id % 2 == 0;
    if (!is_message && send_record(FRAME, (uint32_t)frame_id, payload, VIDEO_BYTES)) return true;
    write_record(record, FRAME, 0, (uint32_t)frame_id, payload, VIDEO_BYTES);
    xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(message, "msg_type", "frame");
    xpc_dictionary_set_data(message, "record", record, sizeof record);
    send_message(message);
    return true;
}

bool lane_send_release(uint64_t surface_id, uint64_t generation) {
    uint8_t payload[ONE_RELEASE_BYTES] = {0}; /* no frame was dropped unread */
    put_number(payload + 8, 2, 1);            /* one piece, and no frame */
    put_number(payload + RELEASE_BYTES, 4, surface_id);
    put_number(payload + RELEASE_BYTES + 4, 4, generation);
    return lane.open && send_record(RELEASE, 0, payload, sizeof payload);
}

bool lane_send_end(void) {
    static const uint8_t none_dropped[END_BYTES];
    return lane.open && send_record(END, 0, none_dropped, END_BYTES);
}

/* ---- Reading ----------------------------------------------------------------------------- */

static void handle_release(const uint8_t *payload, uint32_t bytes) {
    uint64_t pieces = bytes < RELEASE_BYTES ? 0 : get_number(payload + 8, 2);
    uint64_t frames = bytes < RELEASE_BYTES ? 0 : get_number(payload + 10, 2);
    if (bytes != RELEASE_BYTES + PIECE_BYTES * pieces + 4 * frames) die("a release is wrong");
    for (const uint8_t *piece = payload + RELEASE_BYTES; pieces-- > 0; piece += PIECE_BYTES)
        on_piece(get_number(piece, 4), get_number(piece + 4, 4));
}

/* Handles a record, which the host can no longer change. */
static void handle_record(const uint8_t *record, uint32_t bytes) {
    struct video video;
    const uint8_t *payload = record + HEADER_BYTES;
    switch (record[AT_KIND]) {
    case FRAME:
        if (video_from_payload(&video, payload, bytes)) on_video(&video);
        else count.wrong++;
        break;
    case RELEASE: handle_release(payload, bytes); break;
    case END:
        if (bytes != END_BYTES) die("an end is wrong");
        on_end();
        break;
    default: break; /* nothing is in the slots before the ring's end */
    }
}

void lane_read(void) {
    static uint8_t record[LONGEST_RECORD];
    lane.seen = atomic_load(counter(FROM_HOST, SLB_LANE_HEAD));
    if (lane.seen - lane.tail > lane.slots) die("the host has written more than there is room for");
    while (lane.tail != lane.seen) {
        const uint8_t *from = slot(FROM_HOST, lane.tail);
        memcpy(record, from, HEADER_BYTES);
        uint32_t slots = record[AT_SLOTS], bytes = (uint32_t)get_number(record + AT_BYTES, 4);
        uint32_t ahead = (uint32_t)get_number(record + AT_AFTER, 4) - lane.came;
        if (record[AT_KIND] < FRAME || record[AT_KIND] > SKIP || slots == 0 || slots > lane.seen - lane.tail ||
            lane.tail % lane.slots + slots > lane.slots || bytes > SLB_LANE_SLOT_BYTES * slots - HEADER_BYTES)
            die("a record is wrong");
        if (ahead > UINT32_MAX / 2) die("a record is from before a message that has come");
        if (ahead > 0) break; /* until that message has come */
        memcpy(record + HEADER_BYTES, from + HEADER_BYTES, bytes);
        lane.tail += slots;
        if (record[AT_KIND] == FRAME) count.records++;
        handle_record(record, bytes);
    }
    if (!lane_acts_full()) atomic_store(counter(FROM_HOST, SLB_LANE_TAIL), lane.tail);
}

void lane_on_record(const uint8_t *record, size_t bytes) {
    if (bytes < HEADER_BYTES || record[AT_KIND] != FRAME || record[AT_SLOTS] != 0 ||
        get_number(record + AT_BYTES, 4) != bytes - HEADER_BYTES)
        die("a record in a message is wrong");
    handle_record(record, (uint32_t)(bytes - HEADER_BYTES));
}

/* ---- Messages ---------------------------------------------------------------------------- */

void lane_number(xpc_object_t message) { xpc_dictionary_set_uint64(message, "number", ++lane.sent); }

void lane_arrived(xpc_object_t message) {
    lane_read();
    xpc_object_t number = xpc_dictionary_get_value(message, "number");
    if (number && xpc_uint64_get_value(number) != ++lane.came) die("a message is not the next one");
}

/* ---- Waiting ----------------------------------------------------------------------------- */

/* Announces sleep. False: something has come meanwhile. */
static bool announce_sleep(void) {
    atomic_store(counter(FROM_HOST, SLB_LANE_ASLEEP), 1);
    return atomic_load(counter(FROM_HOST, SLB_LANE_HEAD)) == lane.seen;
}

static void *wait_for_records(void *context) {
    (void)context;
    for (;;) {
        char rings[64];
        lane_enter();
        do lane_read();
        while (!announce_sleep());
        lane_leave();
        ssize_t rung = recv(lane.bell, rings, sizeof rings, 0);
        if (rung == 0) die("the host has shut the bell down");
        if (rung < 0 && errno != EINTR) die("the bell cannot be read");
    }
    return NULL;
}

void lane_start(void) {
    pthread_t thread;
    lane.open = true;
    if (pthread_create(&thread, NULL, wait_for_records, NULL) != 0) die("no thread");
    pthread_detach(thread);
}

/* ---- The handshake ----------------------------------------------------------------------- */

xpc_object_t lane_open(xpc_object_t ping) {
    xpc_object_t shmem = xpc_dictionary_get_value(ping, "lane");
    int ends[2];
    if (!has_feature(ping, "lanes") || !shmem || xpc_get_type(shmem) != XPC_TYPE_SHMEM) return NULL;
    lane.hosts_bell = xpc_dictionary_dup_fd(ping, "bell");
    if (lane.hosts_bell < 0) return NULL;
    map_memory(shmem);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) die("no bell");
    lane.bell = ends[0];
    xpc_object_t pong = control("pong");
    xpc_dictionary_set_data(pong, "payload", "SLA", 3);
    xpc_dictionary_set_fd(pong, "bell", ends[1]); /* which stays open here too: then only a shutdown ends the file */
    return pong;
}
