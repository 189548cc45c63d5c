/*
 * stream.c - frames of 64 bytes to another process over a socket of type SOCK_SEQPACKET, one send() and one
 * recv() for each, as fast as they are taken.
 *
 *     stream apart|together COUNT
 *
 * Prints one number: the frames per second, from the first receipt to the last.
 */
#include "control.h"

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    struct places places = places_of(argv[1]);
    size_t count = count_of(argv[2]);
    int ends[2];
    make_sockets(ends);
    double *rate = room_for(1);
    pid_t child = fork_child();
    unsigned char frame[FRAME_BYTES] = {0};
    if (child == 0) {
        pin_to(places.second);
        receive_frame(ends[1], frame);
        double began = now_us();
        for (size_t i = 0; i < count; i++) receive_frame(ends[1], frame);
        *rate = (double)count / ((now_us() - began) / 1e6);
        _exit(0);
    }
    pin_to(places.first);
    for (size_t i = 0; i <= count; i++) send_frame(ends[0], frame);
    await_child(child);
    print_values(rate, 1);
    return 0;
}
