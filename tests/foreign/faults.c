/*
 * faults.c - the ways in which the peer fails on purpose. Those that block the handler of the channel read
 * nothing meanwhile; a test tells them by stdin when to go on.
 */
#include <poll.h>

#include "peer.h"

/* Ends the program with code 3 when the error's text, of `length` characters, is on its way. */
static void report_error(size_t length) {
    char *text = malloc(length + 1);
    if (!text) die("out of memory");
    memset(text, 'y', length);
    memcpy(text, "\x1b[31mshader", 11);
    text[length] = 0;
    xpc_object_t message = control("error");
    xpc_dictionary_set_string(message, "error", text);
    free(text);
    send_message(message);
}

bool fail_after_ping(void) {
    if (strcmp(fault, "long_error") == 0) {
        send_payload("pong", "SLA");
        report_error(900000);
        exit(3);
    }
    if (strcmp(fault, "too_long_error") == 0) {
        send_payload("pong", "SLA");
        report_error(3000000);
        die("the shader does not compile");
    }
    if (strcmp(fault, "no_text") == 0) {
        xpc_object_t message = control("error");
        xpc_dictionary_set_uint64(message, "error", 7);
        send_message(message);
    } else if (strcmp(fault, "early_start") == 0) {
        send_message(control("started"));
    } else if (strcmp(fault, "wrong_pong") == 0) {
        send_payload("pong", "SLX");
    } else {
        return false;
    }
    return true;
}

/* Confirms the first frames again and again, without reading any, until stdin ends. */
static void confirm_unread(void) {
    enum { FRAMES = 1024, PAUSE_MS = 5 };
    uint8_t ids[FRAMES * 8] = {0};
    for (size_t id = 0; id < FRAMES; id++) {
        ids[8 * id] = (uint8_t)id;
        ids[8 * id + 1] = (uint8_t)(id >> 8);
    }
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    while (poll(&input, 1, PAUSE_MS) == 0) {
        xpc_object_t message = control("release");
        xpc_dictionary_set_data(message, "frames", ids, sizeof ids);
        send_message(message);
    }
}

/* Sends far more than an outbox holds, whether it is read or not, when a line of stdin says so. */
static void flood(void) {
    enum { MESSAGES = 1000, BYTES = 100000 };
    static uint8_t bytes[BYTES];
    puts("flooding");
    fflush(stdout);
    if (getchar() == EOF) return;
    for (int i = 0; i < MESSAGES; i++) {
        xpc_object_t message = control("flood"); /* a type that nobody knows */
        xpc_dictionary_set_data(message, "payload", bytes, sizeof bytes);
        send_message(message);
    }
}

void fail_after_start(void) {
    if (strcmp(fault, "unread") == 0) confirm_unread();
    if (strcmp(fault, "flood") == 0) flood();
}
