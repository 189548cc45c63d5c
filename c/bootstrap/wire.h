/*
 * wire.h: the messages of a bootstrap, byte for byte, on both systems.
 *
 * A bootstrap knows the names that are served by the processes of one tree. A process asks it through
 * its channel, and gets its answer at a reply right of its own, which it sends with the request. The
 * messages are those of a Mach bootstrap server: packed to 4 bytes, little-endian.
 *
 *   request with a right   180   header 24, body 4, port descriptor 12, NDR 8, name length 4, name 128
 *   request                164   header 24, NDR 8, name length 4, name 128
 *   look_up2 of launchd    188   header 24, NDR 8, name 128 with a NUL at its end, pid 4, instance 16, flags 8
 *   answer with a right     40   header 24, body 4, port descriptor 12
 *   answer with a code      36   header 24, NDR 8, code 4
 *
 *   header   bits 4, size 4, remote port 4, local port 4, voucher 4, id 4
 *
 * An answer has the id of its request + 100. These ids are the bootstrap's own, and not those of Apple's
 * launchd: no program of Apple's sends them. docs/bootstrap.md says what each request does.
 *
 * A name has 1 to 127 bytes, and none of them is NUL. A NUL that is counted in the length is accepted as
 * its end. Bytes behind the name are ignored, and are sent as zeros. A reader looks at the size, the id
 * and the COMPLEX bit of a header only: a kernel rewrites the rest.
 */
#ifndef BOOT_WIRE_H
#define BOOT_WIRE_H

/* The ids of the requests. 700 to 702 are the same in a range of their own. */
enum {
    BOOT_CHECK_IN = 400, /* makes a receive right, and moves it to the asker */
    BOOT_REGISTER = 401, /* the asker serves the name with the right that it sends */
    BOOT_LOOK_UP = 402,
    BOOT_LOOK_UP2 = 404, /* as launchd once named it; of any other size: not permitted */
    BOOT_SUBSET = 405,   /* not served */
    BOOT_RELAY_REGISTER = 700,
    BOOT_RELAY_LOOK_UP = 701,
    BOOT_RELAY_SPAWN = 702, /* starts what the owner has declared under the name */
    BOOT_REPLY = 100        /* added to the id of the request */
};

enum {
    BOOT_HEADER_BYTES = 24,
    BOOT_NAME_BYTES = 128, /* of the field; a name has one less */
    BOOT_RIGHT_REQUEST_BYTES = 180,
    BOOT_REQUEST_BYTES = 164,
    BOOT_LOOK_UP2_BYTES = 188,
    BOOT_RIGHT_ANSWER_BYTES = 40,
    BOOT_CODE_ANSWER_BYTES = 36,
    BOOT_BYTES_MAX = 2048 /* of what is received: room for the trailer of macOS, which has 52 */
};

/* The code of an answer. Those from 1100 on are Apple's BOOTSTRAP_ codes, the negative ones MIG's. */
enum {
    BOOT_DONE = 0,
    BOOT_BUSY = 6,                 /* try again: the server of the name takes no connection now, or is being started */
    BOOT_INVALID_RIGHT = 17,       /* KERN_INVALID_RIGHT, of BOOT_SUBSET */
    BOOT_NOT_PRIVILEGED = 1100,    /* another user, or a request that is not served */
    BOOT_NAME_IN_USE = 1101,
    BOOT_UNKNOWN_SERVICE = 1102,
    BOOT_SERVICE_ACTIVE = 1103,    /* of BOOT_CHECK_IN: somebody serves the name */
    BOOT_NO_MEMORY = 1105,         /* too many names, or this process lacks a resource */
    BOOT_BAD_ID = -303,
    BOOT_BAD_ARGUMENTS = -304,
    BOOT_SERVER_DIED = -308        /* the bootstrap above this one cannot be reached, so it is not known who serves the name */
};

/* What a right in a message is. */
enum { BOOT_MOVE_RECEIVE = 16, BOOT_MOVE_SEND = 17, BOOT_COPY_SEND = 19 };

#endif
