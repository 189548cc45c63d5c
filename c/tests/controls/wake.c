/*
 * wake.c - a frame of 64 bytes to a process that sleeps in recv() on a socket of type SOCK_SEQPACKET.
 *
 *     wake apart|together COUNT PAUSE_US
 *
 * Prints the microseconds from before the send to after the receipt, one line per frame.
 */
#include "control.h"

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    struct places places = places_of(argv[1]);
    size_t count = count_of(argv[2]);
    size_t pause_us = count_of(argv[3]);
    struct timespec pause = {(time_t)(pause_us / 1000000), (long)(pause_us % 1000000) * 1000};
    int ends[2];
    make_sockets(ends);
    double *us = room_for(count);
    pid_t child = fork_child();
    if (child == 0) {
        pin_to(places.second);
        for (size_t i = 0; i < count; i++) {
            union {
                double sent;
                unsigned char bytes[FRAME_BYTES];
            } frame;
            receive_frame(ends[1], frame.bytes);
            us[i] = now_us() - frame.sent;
        }
        _exit(0);
    }
    pin_to(places.first);
    for (size_t i = 0; i < count; i++) {
        union {
            double sent;
            unsigned char bytes[FRAME_BYTES];
        } frame = {0};
        nanosleep(&pause, NULL);
        frame.sent = now_us();
        send_frame(ends[0], frame.bytes);
    }
    await_child(child);
    print_values(us, count);
    return 0;
}
