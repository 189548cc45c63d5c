/*
 * linux_raw.h - connections that a test writes and reads packet by packet.
 */
#ifndef LINUX_RAW_H
#define LINUX_RAW_H

#include "carrier.h"
#include "linux_support.h"
#include "packet.h"

/* A connection by hand to a listener: returns its end, which nobody reads unless a test does. */
static inline int raw_connect(xpc_connection_t listener) {
    int ends[2];
    const char *why;
    bool refused;
    xpc_endpoint_t endpoint = xpc_endpoint_create(listener);
    CHECK(xl_socket_pair(ends) == 0);
    struct xl_parcel *parcel = xl_parcel_create(XL_KIND_CONNECT, 0, NULL, &why, &refused);
    CHECK(xl_parcel_send(((struct xl_carrier *)endpoint)->fd, parcel, ends[1]) == XL_SENT);
    xl_parcel_free(parcel);
    close(ends[1]);
    xpc_release(endpoint);
    return ends[0];
}

#endif
