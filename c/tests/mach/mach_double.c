/* mach_double.c - see mach_double.h: names, rights and ports. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mach_inside.h"

struct entry entries[NAMES];
pthread_mutex_t double_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t double_changed = PTHREAD_COND_INITIALIZER;
struct port *double_ports, *double_slots[SLOTS];
int double_waiting, double_breaches;

void breach(const char *what, mach_port_t name) {
    fprintf(stderr, "broken: %s: %u\n", what, name);
    double_breaches++;
}

int leave(int result) {
    pthread_mutex_unlock(&double_lock);
    return result;
}

struct entry *enter(mach_port_t name) {
    pthread_mutex_lock(&double_lock);
    return name < NAMES && entries[name].used ? &entries[name] : NULL;
}

/* ---- names and rights; with the lock ------------------------------------------------------ */

/* Names are used again as late as possible. */
mach_port_t new_name(void) {
    static mach_port_t last = 2;
    for (int i = 0; i < NAMES; i++) {
        if (++last >= NAMES) last = 3;
        if (entries[last].used) continue;
        entries[last] = (struct entry){.used = true};
        return last;
    }
    abort();
}

void put(struct port *port, struct message *message) {
    *port->last = message;
    port->last = &message->next;
    port->queued++;
    double_waiting++;
    pthread_cond_broadcast(&double_changed);
}

void tell(struct port *target, int id, mach_port_t name) {
    if (!target->alive) return;
    struct message *message = calloc(1, sizeof *message);
    mach_dead_name_notification_t notification = {.not_header = {.msgh_id = id, .msgh_size = sizeof notification}, .not_port = name};
    memcpy(message->bytes, &notification, sizeof notification);
    message->size = sizeof notification;
    put(target, message);
}

void tidy(mach_port_t name) {
    struct entry *entry = &entries[name];
    if (!entry->used || entry->is_set || entry->receive || entry->once || entry->send || entry->dead) return;
    if (entry->dead_name) tell(entry->dead_name, MACH_NOTIFY_PORT_DELETED, name);
    if (entry->port && entry->port->name == name) entry->port->name = MACH_PORT_NULL;
    entry->used = false;
}

void drop_sender(struct port *port) {
    struct port *target = port->no_senders;
    if (--port->senders > 0 || !port->alive || !target) return;
    port->no_senders = NULL;
    tell(target, MACH_NOTIFY_NO_SENDERS, MACH_PORT_NULL);
}

void free_right(struct right right) {
    if (!right.port) return;
    if (right.kind == MACH_MSG_TYPE_MOVE_RECEIVE) die(right.port);
    else if (right.kind == MACH_MSG_TYPE_MOVE_SEND) drop_sender(right.port);
    else tell(right.port, MACH_NOTIFY_SEND_ONCE, MACH_PORT_NULL);
}

void die(struct port *port) {
    struct message *message = port->first;
    port->alive = false;
    port->first = NULL;
    while (message) {
        struct message *next = message->next;
        free_right(message->reply);
        free_right(message->carried);
        free(message);
        double_waiting--;
        message = next;
    }
    for (mach_port_t name = 0; name < NAMES; name++) {
        struct entry *entry = &entries[name];
        if (!entry->used || entry->port != port) continue;
        entry->dead = entry->send + entry->once;
        entry->send = 0;
        entry->receive = entry->once = false;
        entry->port = NULL;
        if (entry->dead && entry->dead_name) {
            entry->dead++; /* the notification's */
            tell(entry->dead_name, MACH_NOTIFY_DEAD_NAME, name);
            entry->dead_name = NULL;
        }
        tidy(name);
    }
    pthread_cond_broadcast(&double_changed);
}

bool copy_in(mach_port_t name, uint32_t how, struct right *right) {
    struct entry *entry = name < NAMES && entries[name].used ? &entries[name] : NULL;
    if (!entry || !entry->port) return false;
    struct port *port = entry->port;
    *right = (struct right){port, (int)how};
    switch (how) {
    case MACH_MSG_TYPE_COPY_SEND:
    case MACH_MSG_TYPE_MAKE_SEND:
        if (how == MACH_MSG_TYPE_COPY_SEND ? !entry->send : !entry->receive) return false;
        port->senders++;
        right->kind = MACH_MSG_TYPE_MOVE_SEND;
        return true;
    case MACH_MSG_TYPE_MOVE_SEND:
        if (!entry->send) return false;
        entry->send--;
        break;
    case MACH_MSG_TYPE_MAKE_SEND_ONCE: right->kind = MACH_MSG_TYPE_MOVE_SEND_ONCE; return entry->receive;
    case MACH_MSG_TYPE_MOVE_SEND_ONCE:
        if (!entry->once) return false;
        entry->once = false;
        entry->port = NULL;
        break;
    case MACH_MSG_TYPE_MOVE_RECEIVE:
        if (!entry->receive) return false;
        entry->receive = false;
        port->set = MACH_PORT_NULL;
        break;
    default: return false;
    }
    tidy(name);
    return true;
}

mach_port_t copy_out(struct right right) {
    if (!right.port) return MACH_PORT_NULL;
    if (!right.port->alive) return MACH_PORT_DEAD;
    if (right.kind == MACH_MSG_TYPE_MOVE_SEND_ONCE) {
        mach_port_t name = new_name();
        entries[name].once = true;
        entries[name].port = right.port;
        return name;
    }
    if (right.port->name == MACH_PORT_NULL) {
        right.port->name = new_name();
        entries[right.port->name].port = right.port;
    }
    struct entry *entry = &entries[right.port->name];
    if (right.kind == MACH_MSG_TYPE_MOVE_RECEIVE) entry->receive = true;
    else entry->send++;
    return right.port->name;
}

/* ---- double_ports -------------------------------------------------------------------------------- */

kern_return_t mach_port_allocate(mach_port_t task, int right, mach_port_t *name) {
    (void)task;
    pthread_mutex_lock(&double_lock);
    *name = new_name();
    entries[*name].is_set = right == MACH_PORT_RIGHT_PORT_SET;
    entries[*name].receive = right == MACH_PORT_RIGHT_RECEIVE;
    if (entries[*name].receive) {
        struct port *port = calloc(1, sizeof *port);
        *port = (struct port){.next = double_ports, .alive = true, .name = *name, .last = &port->first};
        double_ports = entries[*name].port = port;
    }
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_insert_right(mach_port_t task, mach_port_t name, mach_port_t port, int how) {
    (void)task;
    struct entry *entry = enter(name);
    if (!entry || !entry->receive || port != name || how != MACH_MSG_TYPE_MAKE_SEND) {
        breach("mach_port_insert_right", name);
        return leave(KERN_INVALID_RIGHT);
    }
    entry->send++;
    entry->port->senders++;
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_insert_member(mach_port_t task, mach_port_t member, mach_port_t set) {
    (void)task;
    struct entry *entry = enter(member);
    if (!entry || !entry->receive || !entries[set].is_set) breach("mach_port_insert_member", member);
    else entry->port->set = set;
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name) {
    (void)task;
    struct entry *entry = enter(name);
    if (entry && entry->once) {
        tell(entry->port, MACH_NOTIFY_SEND_ONCE, MACH_PORT_NULL);
        entry->once = false;
        entry->port = NULL;
    } else if (entry && entry->dead) {
        entry->dead--;
    } else if (entry && entry->send) {
        entry->send--;
        drop_sender(entry->port);
    } else {
        breach("mach_port_deallocate of no right", name);
        return leave(KERN_INVALID_NAME);
    }
    tidy(name);
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_mod_refs(mach_port_t task, mach_port_t name, int right, int delta) {
    (void)task;
    struct entry *entry = enter(name);
    if (right == MACH_PORT_RIGHT_SEND) {
        if (!entry || !entry->send || delta != 1) return leave(KERN_INVALID_RIGHT);
        entry->send++;
        entry->port->senders++;
    } else if (!entry || delta != -1 || !(right == MACH_PORT_RIGHT_RECEIVE ? entry->receive : entry->is_set)) {
        breach("mach_port_mod_refs of no right", name);
    } else if (right == MACH_PORT_RIGHT_RECEIVE) {
        die(entry->port);
    } else {
        entry->is_set = false;
        tidy(name);
    }
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_get_refs(mach_port_t task, mach_port_t name, int right, mach_port_urefs_t *count) {
    (void)task;
    (void)right;
    struct entry *entry = enter(name);
    *count = entry ? entry->send : 0;
    return leave(entry ? KERN_SUCCESS : KERN_INVALID_NAME);
}

kern_return_t mach_port_type(mach_port_t task, mach_port_t name, mach_port_type_t *type) {
    (void)task;
    struct entry *entry = enter(name);
    if (!entry) return leave(KERN_INVALID_NAME);
    *type = (entry->send ? MACH_PORT_TYPE_SEND : 0) | (entry->receive ? MACH_PORT_TYPE_RECEIVE : 0) |
            (entry->dead_name ? MACH_PORT_TYPE_DNREQUEST : 0);
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_get_attributes(mach_port_t task, mach_port_t name, int flavour, mach_port_info_t info,
                                       mach_msg_type_number_t *count) {
    (void)task;
    (void)count;
    struct entry *entry = enter(name);
    if (!entry || !entry->receive || flavour != MACH_PORT_RECEIVE_STATUS) return leave(KERN_INVALID_RIGHT);
    *info = entry->port->senders > 0;
    return leave(KERN_SUCCESS);
}

kern_return_t mach_port_request_notification(mach_port_t task, mach_port_t name, int id, mach_port_mscount_t sync,
                                             mach_port_t notify, int how, mach_port_t *previous) {
    (void)task;
    struct entry *entry = enter(name);
    struct right target = {0};
    if (!entry) return leave(KERN_INVALID_NAME);
    if (notify != MACH_PORT_NULL && !copy_in(notify, (uint32_t)how, &target)) breach("a notification to no right", notify);
    *previous = MACH_PORT_NULL;
    if (id == MACH_NOTIFY_DEAD_NAME && entry->dead) {
        if (!sync || !target.port) return leave(KERN_INVALID_ARGUMENT);
        entry->dead++;
        tell(target.port, id, name);
        return leave(KERN_SUCCESS);
    }
    struct port **kept = id == MACH_NOTIFY_NO_SENDERS ? &entry->port->no_senders : &entry->dead_name;
    *previous = copy_out((struct right){*kept, MACH_MSG_TYPE_MOVE_SEND_ONCE});
    *kept = target.port;
    return leave(KERN_SUCCESS);
}

kern_return_t mach_ports_lookup(mach_port_t task, mach_port_array_t *found, mach_msg_type_number_t *count) {
    (void)task;
    pthread_mutex_lock(&double_lock);
    *count = SLOTS;
    *found = calloc(SLOTS, sizeof **found);
    for (int i = 0; i < SLOTS; i++) {
        if (double_slots[i]) double_slots[i]->senders++;
        (*found)[i] = copy_out((struct right){double_slots[i], MACH_MSG_TYPE_MOVE_SEND});
    }
    return leave(KERN_SUCCESS);
}

kern_return_t mach_ports_register(mach_port_t task, mach_port_t *wanted, mach_msg_type_number_t count) {
    (void)task;
    pthread_mutex_lock(&double_lock);
    struct port *old[SLOTS];
    memcpy(old, double_slots, sizeof old);
    for (mach_msg_type_number_t i = 0; i < SLOTS; i++) {
        struct right right = {0};
        bool is_port = i < count && MACH_PORT_VALID(wanted[i]);
        if (is_port && !copy_in(wanted[i], MACH_MSG_TYPE_COPY_SEND, &right)) breach("mach_ports_register of no right", wanted[i]);
        double_slots[i] = right.port;
    }
    for (int i = 0; i < SLOTS; i++) {
        if (old[i]) drop_sender(old[i]);
    }
    return leave(KERN_SUCCESS);
}

kern_return_t vm_deallocate(mach_port_t task, vm_address_t address, uintptr_t bytes) {
    (void)task;
    (void)bytes;
    free((void *)address);
    return KERN_SUCCESS;
}
