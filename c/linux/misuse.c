/*
 * misuse.c - see misuse.h.
 */
#include "misuse.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "object.h"

/* The first misuse alone is told: further threads may misuse the API before the first has ended the process. */
static void tell_once(const char *text, size_t length) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool told;
    pthread_mutex_lock(&lock);
    while (!told && write(STDERR_FILENO, text, length) < 0 && errno == EINTR) continue;
    told = true;
    pthread_mutex_unlock(&lock);
}

void xl_misuse(const char *function, const char *found, const char *instead) {
    char text[400];
    int length = snprintf(text, sizeof text, "libxpc: %s: %s: %s\n", function, found, instead);
    if (length >= (int)sizeof text) length = (int)sizeof text - 1;
    text[length - 1] = '\n'; /* of a text that was cut too */
    tell_once(text, (size_t)length);
    abort();
}

void xl_require_connection(xpc_object_t object, const char *function) {
    char found[100];
    if (xl_as(object, XPC_TYPE_CONNECTION)) return;
    if (!object) { /* a program may forget that the other side, or a lack of memory, decides it */
        xl_misuse(function, "the connection is NULL",
                  "check what the function returned that should give it: NULL without memory or descriptors, "
                  "or if a message of the other side holds no endpoint");
    }
    snprintf(found, sizeof found, "it was given an object of type %s, not a connection",
             xpc_type_get_name(xpc_get_type(object)));
    xl_misuse(function, found, "pass what an xpc_connection_create function or a listener's handler has given");
}

void xl_require_message(xpc_object_t object, const char *function) {
    if (xl_as(object, XPC_TYPE_DICTIONARY)) return;
    if (!object) {
        xl_misuse(function, "the message is NULL",
                  "check what the function returned that should make it: NULL without memory, or from "
                  "xpc_dictionary_create_reply if the other side wants no reply");
    }
    xl_misuse(function, "the message is no dictionary", "put the value into a dictionary and send that");
}
