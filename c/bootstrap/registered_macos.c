/* registered_macos.c: see registered_macos.h. */
#include "registered_macos.h"

#include <pthread.h>
#include <stdbool.h>

#include "messages_macos.h"

enum { SLOTS = 3, SLOT = 2 }; /* TASK_PORT_REGISTER_MAX of <mach/mach_param.h>; ours */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the ports of the task, and what follows */
static pthread_cond_t withdrawn = PTHREAD_COND_INITIALIZER;
static bool offered;
static mach_port_t before[SLOTS]; /* owned; what was there before the offer */

/* Copies all three; the caller owns them. */
static kern_return_t read_slots(mach_port_t slots[SLOTS]) {
    mach_port_array_t found = NULL;
    mach_msg_type_number_t count = 0;
    kern_return_t result = mach_ports_lookup(mach_task_self(), &found, &count);
    for (int i = 0; i < SLOTS; i++) slots[i] = MACH_PORT_NULL;
    if (result != KERN_SUCCESS) return result;
    for (mach_msg_type_number_t i = 0; i < count; i++) {
        if (i < SLOTS) slots[i] = found[i];
        else boot_mach_drop(found[i]);
    }
    if (found) vm_deallocate(mach_task_self(), (vm_address_t)found, count * sizeof *found);
    return KERN_SUCCESS;
}

static void drop_slots(mach_port_t slots[SLOTS]) {
    for (int i = 0; i < SLOTS; i++) {
        boot_mach_drop(slots[i]);
        slots[i] = MACH_PORT_NULL;
    }
}

/* Registers the slots, with `port` in ours. */
static kern_return_t write_slots(const mach_port_t slots[SLOTS], mach_port_t port) {
    mach_port_t wanted[SLOTS];
    for (int i = 0; i < SLOTS; i++) wanted[i] = i == SLOT ? port : slots[i];
    return mach_ports_register(mach_task_self(), wanted, SLOTS);
}

mach_port_t boot_registered_get(void) {
    mach_port_t slots[SLOTS];
    if (read_slots(slots) != KERN_SUCCESS) return MACH_PORT_NULL;
    mach_port_t port = slots[SLOT];
    slots[SLOT] = MACH_PORT_NULL;
    drop_slots(slots);
    return port;
}

kern_return_t boot_registered_offer(mach_port_t port) {
    pthread_mutex_lock(&lock);
    while (offered) pthread_cond_wait(&withdrawn, &lock);
    kern_return_t result = read_slots(before);
    if (result == KERN_SUCCESS) result = write_slots(before, port);
    offered = result == KERN_SUCCESS;
    if (!offered) {
        drop_slots(before);
        pthread_cond_signal(&withdrawn); /* nothing is offered, so another may */
    }
    pthread_mutex_unlock(&lock);
    return result;
}

void boot_registered_withdraw(void) {
    pthread_mutex_lock(&lock);
    write_slots(before, before[SLOT]);
    drop_slots(before);
    offered = false;
    pthread_cond_signal(&withdrawn);
    pthread_mutex_unlock(&lock);
}

void boot_registered_restore(mach_port_t port) {
    mach_port_t slots[SLOTS];
    if (pthread_mutex_trylock(&lock) != 0) return; /* never waits: a forked child may have it locked for ever */
    if (!offered && read_slots(slots) == KERN_SUCCESS) { /* when an offer ends, what was there comes back */
        if (slots[SLOT] == MACH_PORT_NULL) write_slots(slots, port);
        drop_slots(slots);
    }
    pthread_mutex_unlock(&lock);
}
