/*
 * misuse.c - see misuse.h.
 */
#include "misuse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "object.h"

void xl_misuse(const char *function, const char *found, const char *instead) {
    char text[400];
    int length = snprintf(text, sizeof text, "libxpc: %s: %s: %s\n", function, found, instead);
    if (length >= (int)sizeof text) length = (int)sizeof text - 1;
    ssize_t ignored = write(STDERR_FILENO, text, (size_t)length);
    (void)ignored;
    abort();
}

void xl_require_connection(xpc_object_t object, const char *function) {
    char found[100];
    if (xl_as(object, XPC_TYPE_CONNECTION)) return;
    snprintf(found, sizeof found, "it was given %s%s, not a connection", object ? "an object of type " : "NULL",
             object ? xpc_type_get_name(xpc_get_type(object)) : "");
    xl_misuse(function, found, "pass what an xpc_connection_create function or a listener's handler has given");
}
