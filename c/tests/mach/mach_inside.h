/*
 * mach_inside.h - what the files of the double share: ports, names and rights. All with the lock, except enter.
 */
#ifndef MACH_INSIDE_H
#define MACH_INSIDE_H

#include <mach/mach.h>
#include <pthread.h>

#include "mach_double.h"

enum { NAMES = 4096, SLOTS = 3, MESSAGE_BYTES = 2200 };

/* A right in a message, or the target of a notification. */
struct right {
    struct port *port;
    int kind; /* MACH_MSG_TYPE_MOVE_* */
};

struct message {
    struct message *next;
    struct right reply, carried;
    uint32_t size;
    uint32_t pid, uid;
    uint8_t bytes[MESSAGE_BYTES];
};

struct port {
    struct port *next; /* all of them, for the end */
    bool alive;
    mach_port_t name;  /* its one name of this task for receive and send rights; 0: none */
    mach_port_t set;   /* that it is a member of */
    int senders;       /* send rights, wherever they are */
    int queued;
    struct message *first, **last;
    struct port *no_senders; /* who is told */
};

extern struct entry {
    bool used, is_set, receive, once;
    uint32_t send, dead; /* references */
    struct port *port;
    struct port *dead_name; /* who is told */
} entries[NAMES];

extern pthread_mutex_t double_lock; /* guards everything */
extern pthread_cond_t double_changed;
extern struct port *double_ports, *double_slots[SLOTS];
extern int double_waiting, double_breaches;

/* Takes the lock. The entry of a name, or NULL. */
struct entry *enter(mach_port_t name);
/* Gives the lock back. Returns `result`. */
int leave(int result);

void breach(const char *what, mach_port_t name);
void put(struct port *port, struct message *message);
/* Sends a notification. */
void tell(struct port *target, int id, mach_port_t name);
/* A send right has gone. */
void drop_sender(struct port *port);
void free_right(struct right right);
/* The receive right has gone: rights of this task become dead names. */
void die(struct port *port);
/* A name without a right is free again. */
void tidy(mach_port_t name);
/* Takes a right of the task. False: it has none such. */
bool copy_in(mach_port_t name, uint32_t how, struct right *right);
/* Gives a right to the task. Returns its name. */
mach_port_t copy_out(struct right right);
mach_port_t new_name(void);

#endif
