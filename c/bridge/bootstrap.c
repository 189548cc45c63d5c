/* bootstrap.c: the bootstrap of the processes that this one starts, as the isolate uses it. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "bell.h"
#include "bootstrap/channel.h"
#include "bootstrap/close_if_open.h"
#include "bootstrap/held.h"
#include "bootstrap/server.h"
#include "bytes.h"
#include "object.h"
#include "platform.h"
#include "queue.h"
#include "rights.h"
#include "transfer.h"

struct told {
    uint32_t kind; /* SLB_BOOTSTRAP_*, which are those of boot_event */
    int32_t pid;
    char name[BOOT_NAME_BYTES];
};

_Static_assert((int)SLB_BOOTSTRAP_REGISTERED == BOOT_EVENT_REGISTERED && (int)SLB_BOOTSTRAP_GONE == BOOT_EVENT_GONE &&
                   (int)SLB_BOOTSTRAP_WANTED == BOOT_EVENT_WANTED,
               "the kinds of events are passed on as they are");

struct bootstrap {
    struct object object;
    struct boot_server *server;
    int bell_read; /* -1 once taken */
    int bell_write;
    pthread_mutex_t lock; /* guards what follows */
    struct told events[SLB_MAX_BOOTSTRAP_EVENTS]; /* a ring */
    uint32_t first, waiting, lost;
};

static struct bootstrap *bootstrap_take(slb_handle handle) { return handle_take(handle, SLB_KIND_BOOTSTRAP); }

/* ---- events ---- */

/* A WANTED for which there is no room is not counted as lost: the server tells it again. */
static bool tell(void *context, enum boot_event event, int32_t pid, const char *name) {
    struct bootstrap *bootstrap = context;
    pthread_mutex_lock(&bootstrap->lock);
    bool was_empty = bootstrap->waiting == 0 && bootstrap->lost == 0, kept = bootstrap->waiting < SLB_MAX_BOOTSTRAP_EVENTS;
    if (!kept) {
        if (event != BOOT_EVENT_WANTED) bootstrap->lost++;
    } else {
        struct told *told = &bootstrap->events[(bootstrap->first + bootstrap->waiting++) % SLB_MAX_BOOTSTRAP_EVENTS];
        told->kind = event;
        told->pid = pid;
        strcpy(told->name, name);
    }
    if (was_empty) bell_ring(bootstrap->bell_write);
    pthread_mutex_unlock(&bootstrap->lock);
    return kept;
}

/* Takes the oldest event; those that were lost came after the others. False: none waits. */
static bool take_event(struct bootstrap *bootstrap, struct told *told) {
    pthread_mutex_lock(&bootstrap->lock);
    bool waits = bootstrap->waiting > 0, lost = !waits && bootstrap->lost > 0;
    if (waits) {
        *told = bootstrap->events[bootstrap->first];
        bootstrap->first = (bootstrap->first + 1) % SLB_MAX_BOOTSTRAP_EVENTS;
        bootstrap->waiting--;
    } else if (lost) {
        *told = (struct told){.kind = SLB_BOOTSTRAP_LOST, .pid = (int32_t)bootstrap->lost};
        bootstrap->lost = 0;
    }
    pthread_mutex_unlock(&bootstrap->lock);
    return waits || lost;
}

int32_t slb_bootstrap_next(slb_handle handle, uint8_t *event) {
    struct bootstrap *bootstrap = bootstrap_take(handle);
    struct told told;
    if (!bootstrap) return SLB_E_HANDLE;
    bool taken = take_event(bootstrap, &told);
    object_release(&bootstrap->object);
    if (!taken) return 0;
    size_t length = strlen(told.name);
    put32(event, told.kind);
    put32(event + 4, (uint32_t)told.pid);
    memcpy(event + 8, told.name, length);
    return (int32_t)(8 + length);
}

/* ---- life ---- */

static void bootstrap_closing(struct object *object) {
    struct bootstrap *bootstrap = (struct bootstrap *)object;
    if (bootstrap->server) boot_server_stop(bootstrap->server);
    bootstrap->server = NULL;
}

static void bootstrap_finalize(struct object *object) {
    struct bootstrap *bootstrap = (struct bootstrap *)object;
    close_if_open(&bootstrap->bell_read);
    close_if_open(&bootstrap->bell_write);
    pthread_mutex_destroy(&bootstrap->lock);
    free(bootstrap);
}

slb_handle slb_bootstrap_create(slb_handle queue_handle, uint32_t isolated) {
    const char *why_not = right_problem();
    if (why_not) {
        fail(SLB_E_ABSENT, "Cannot start a bootstrap: %s", why_not);
        return 0;
    }
    struct queue *queue = queue_take(queue_handle);
    if (!queue) return 0;
    slb_handle handle = 0;
    struct bootstrap *bootstrap = calloc(1, sizeof *bootstrap);
    if (bootstrap) {
        bootstrap->bell_read = bootstrap->bell_write = -1;
        pthread_mutex_init(&bootstrap->lock, NULL);
        object_init(&bootstrap->object, SLB_KIND_BOOTSTRAP, queue, bootstrap_closing, bootstrap_finalize);
        struct boot_server_options options = {
            .tell = tell, .context = bootstrap, .connect = right_connect, .isolated = isolated != 0};
        if (bell_make(&bootstrap->bell_read, &bootstrap->bell_write)) bootstrap->server = boot_server_start(&options);
        int why = errno;
        if (bootstrap->server) {
            handle = handle_consume(&bootstrap->object);
        } else {
            object_abandon(&bootstrap->object);
            fail(SLB_E_SYSTEM, "Cannot start a bootstrap: %s", platform_thread_cause(why));
        }
    } else {
        fail(SLB_E_MEMORY, "Cannot start a bootstrap: out of memory");
    }
    queue_release(queue);
    return handle;
}

int32_t slb_bootstrap_take_bell(slb_handle handle) {
    struct bootstrap *bootstrap = bootstrap_take(handle);
    if (!bootstrap) return SLB_E_HANDLE;
    int bell = bootstrap->bell_read;
    bootstrap->bell_read = -1;
    object_release(&bootstrap->object);
    return bell >= 0 ? held_give(bell) : fail(SLB_E_CLOSED, "Cannot take the bell of this bootstrap: it was taken before");
}

/* ---- names ---- */

/* Copies a name. False: the error is set. */
static bool name_copy(const uint8_t *name, uint32_t length, char out[BOOT_NAME_BYTES]) {
    if (boot_name_copy(name, length, out)) return true;
    fail(SLB_E_ARGUMENT, "Cannot use this service name: it has %u bytes, 1 to %d without NUL are possible", length,
         BOOT_NAME_BYTES - 1);
    return false;
}

/* Turns a BOOT_ code other than DONE into a failure. */
static int32_t fail_with(int32_t code, const char *what, const char *name) {
    switch (code) {
    case BOOT_NAME_IN_USE: return fail(SLB_E_IN_USE, "Cannot %s '%s': another listener of this bootstrap serves it", what, name);
    case BOOT_UNKNOWN_SERVICE: return fail(SLB_E_ABSENT, "Cannot %s '%s': nobody in this bootstrap serves it", what, name);
    case BOOT_BUSY: return fail(SLB_E_AGAIN, "Cannot %s '%s' yet: its server is being started", what, name);
    default: return fail(SLB_E_SYSTEM, "Cannot %s '%s': the bootstrap has too many names, or lacks descriptors", what, name);
    }
}

int32_t slb_bootstrap_register(slb_handle handle, const uint8_t *name, uint32_t length, slb_handle endpoint) {
    char text[BOOT_NAME_BYTES];
    struct bootstrap *bootstrap = bootstrap_take(handle);
    struct transfer *transfer = bootstrap ? handle_take(endpoint, SLB_KIND_ENDPOINT) : NULL;
    int32_t result = SLB_E_HANDLE;
    if (transfer) {
        result = SLB_E_ARGUMENT;
        if (name_copy(name, length, text)) {
            boot_right right = right_of_endpoint(transfer_value(transfer));
            int32_t code = right == BOOT_NO_RIGHT ? BOOT_NO_MEMORY : boot_server_register(bootstrap->server, text, right);
            result = code == BOOT_DONE ? 0 : fail_with(code, "register", text);
        }
        object_release((struct object *)transfer);
    }
    if (bootstrap) object_release(&bootstrap->object);
    return result;
}

slb_handle slb_bootstrap_look_up(slb_handle handle, const uint8_t *name, uint32_t length) {
    char text[BOOT_NAME_BYTES];
    struct bootstrap *bootstrap = bootstrap_take(handle);
    if (!bootstrap) return 0;
    slb_handle endpoint = 0;
    if (name_copy(name, length, text)) {
        boot_right right;
        int32_t code = boot_server_look_up(bootstrap->server, text, &right);
        xpc_object_t value = code == BOOT_DONE ? endpoint_of_right_consume(right) : NULL;
        if (value) endpoint = transfer_handle_consume(bootstrap->object.queue, SLB_KIND_ENDPOINT, value);
        else fail_with(code == BOOT_DONE ? BOOT_NO_MEMORY : code, "look up", text);
    }
    object_release(&bootstrap->object);
    return endpoint;
}

int32_t slb_bootstrap_declare(slb_handle handle, const uint8_t *name, uint32_t length, uint32_t declared) {
    char text[BOOT_NAME_BYTES];
    struct bootstrap *bootstrap = bootstrap_take(handle);
    if (!bootstrap) return SLB_E_HANDLE;
    int32_t result = SLB_E_ARGUMENT;
    if (name_copy(name, length, text)) {
        int32_t code = boot_server_declare(bootstrap->server, text, declared != 0);
        result = code == BOOT_DONE ? 0 : fail_with(code, "declare", text);
    }
    object_release(&bootstrap->object);
    return result;
}

int32_t slb_bootstrap_ended(slb_handle handle, const uint8_t *name, uint32_t length) {
    char text[BOOT_NAME_BYTES];
    struct bootstrap *bootstrap = bootstrap_take(handle);
    if (!bootstrap) return SLB_E_HANDLE;
    int32_t result = SLB_E_ARGUMENT;
    if (name_copy(name, length, text)) {
        boot_server_ended(bootstrap->server, text);
        result = 0;
    }
    object_release(&bootstrap->object);
    return result;
}

/* ---- channels ---- */

uint32_t slb_bootstrap_offer(slb_handle handle, uint8_t *value, uint32_t capacity) {
    char text[BOOT_VALUE_BYTES];
    struct bootstrap *bootstrap = bootstrap_take(handle);
    if (!bootstrap) return 0;
    uint32_t length = 0;
    if (boot_server_offer(bootstrap->server, text)) length = text_write(text, value, capacity);
    else fail(SLB_E_SYSTEM, "Cannot open a channel for a child: %s", platform_cause(errno));
    object_release(&bootstrap->object);
    return length;
}

int32_t slb_bootstrap_withdraw(slb_handle handle) {
    struct bootstrap *bootstrap = bootstrap_take(handle);
    if (!bootstrap) return SLB_E_HANDLE;
    boot_server_withdraw(bootstrap->server);
    object_release(&bootstrap->object);
    return 0;
}

int32_t slb_bootstrap_inherited(uint8_t *value, uint32_t capacity) {
    char why[BOOT_TEXT_BYTES];
    switch (boot_channel_look(why)) {
    case BOOT_NONE: return 0;
    case BOOT_LOST: return fail(SLB_E_ABSENT, "Cannot reach the bootstrap: %s", why);
    case BOOT_PRESENT: break;
    }
    const char *set = getenv(BOOT_VARIABLE); /* another thread may have unset it */
    return set ? (int32_t)text_write(set, value, capacity) : 0;
}
