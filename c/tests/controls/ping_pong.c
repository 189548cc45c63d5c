/*
 * ping_pong.c - a frame of 64 bytes to another process and back.
 *
 *     ping_pong shared|socket apart|together COUNT
 *
 * shared: both processes spin on shared memory, each on a core of its own, so only "apart". socket: both
 * block in recv() on a socket of type SOCK_SEQPACKET. Prints microseconds, one line per round trip.
 */
#include <stdatomic.h>

#include "control.h"

/* Room for the frame in each direction; the counters are on cache lines of their own. */
struct exchange {
    _Alignas(128) _Atomic uint32_t pings;
    _Alignas(128) unsigned char ping[FRAME_BYTES];
    _Alignas(128) _Atomic uint32_t pongs;
    _Alignas(128) unsigned char pong[FRAME_BYTES];
};

static void await_count(_Atomic uint32_t *counter, uint32_t count) {
    while (atomic_load_explicit(counter, memory_order_acquire) != count) rest();
}

static void answer(struct exchange *exchange, int socket, size_t count) {
    unsigned char frame[FRAME_BYTES];
    for (uint32_t i = 1; i <= count; i++) {
        if (exchange) {
            await_count(&exchange->pings, i);
            memcpy(frame, exchange->ping, sizeof frame);
            memcpy(exchange->pong, frame, sizeof frame);
            atomic_store_explicit(&exchange->pongs, i, memory_order_release);
        } else {
            receive_frame(socket, frame);
            send_frame(socket, frame);
        }
    }
}

static void ask(struct exchange *exchange, int socket, uint32_t i, unsigned char *frame) {
    if (exchange) {
        memcpy(exchange->ping, frame, FRAME_BYTES);
        atomic_store_explicit(&exchange->pings, i, memory_order_release);
        await_count(&exchange->pongs, i);
        memcpy(frame, exchange->pong, FRAME_BYTES);
    } else {
        send_frame(socket, frame);
        receive_frame(socket, frame);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    bool shared = strcmp(argv[1], "shared") == 0;
    struct places places = places_of(argv[2]);
    size_t count = count_of(argv[3]);
    size_t warm_up = count / 4, all = count + warm_up;
    struct exchange *exchange = shared ? shared_memory(sizeof *exchange) : NULL;
    int ends[2];
    make_sockets(ends);
    double *us = room_for(count);
    pid_t child = fork_child();
    if (child == 0) {
        pin_to(places.second);
        answer(exchange, ends[1], all);
        _exit(0);
    }
    pin_to(places.first);
    unsigned char frame[FRAME_BYTES] = {0};
    for (size_t i = 0; i < all; i++) {
        double began = now_us();
        ask(exchange, ends[0], (uint32_t)i + 1, frame);
        if (i >= warm_up) us[i - warm_up] = now_us() - began;
    }
    await_child(child);
    print_values(us, count);
    return 0;
}
