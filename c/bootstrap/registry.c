/* registry.c: see registry.h. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 8 };

void boot_registry_init(struct boot_registry *registry, struct boot_limits limits) {
    *registry = (struct boot_registry){.limits = limits};
}

void boot_registry_free(struct boot_registry *registry) {
    free(registry->services);
    boot_registry_init(registry, registry->limits);
}

static struct boot_service *find(const struct boot_registry *registry, const char *name) {
    for (uint32_t i = 0; i < registry->count; i++) {
        if (strcmp(registry->services[i].name, name) == 0) return &registry->services[i];
    }
    return NULL;
}

const struct boot_service *boot_registry_find(const struct boot_registry *registry, const char *name) {
    return find(registry, name);
}

static bool is_served(const struct boot_service *service) { return service->right != BOOT_NO_RIGHT; }

static uint32_t count_of_channel(const struct boot_registry *registry, uint32_t channel) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct boot_service *service = &registry->services[i];
        if (is_served(service) && service->by.channel == channel) count++;
    }
    return count;
}

uint32_t boot_registry_count_of(const struct boot_registry *registry, int32_t pid) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct boot_service *service = &registry->services[i];
        if (is_served(service) && service->by.pid == pid) count++;
    }
    return count;
}

/* Returns a new entry that is neither served nor declared; NULL if there are too many, or no memory. */
static struct boot_service *add(struct boot_registry *registry, const char *name) {
    if (registry->count >= registry->limits.names) return NULL;
    if (registry->count == registry->capacity) {
        uint32_t capacity = registry->capacity ? 2 * registry->capacity : FIRST_CAPACITY;
        struct boot_service *services = realloc(registry->services, capacity * sizeof *services);
        if (!services) return NULL;
        registry->services = services;
        registry->capacity = capacity;
    }
    struct boot_service *service = &registry->services[registry->count++];
    *service = (struct boot_service){.right = BOOT_NO_RIGHT};
    strcpy(service->name, name);
    return service;
}

static void drop(struct boot_registry *registry, struct boot_service *service) {
    *service = registry->services[--registry->count];
}

int32_t boot_registry_keep(struct boot_registry *registry, const char *name, struct boot_caller caller, boot_right right) {
    struct boot_service *service = find(registry, name);
    if (service && is_served(service)) return BOOT_NAME_IN_USE;
    bool full = caller.channel != 0 && count_of_channel(registry, caller.channel) >= registry->limits.names_per_channel;
    if (!full && !service) service = add(registry, name);
    if (full || !service) return BOOT_NO_MEMORY;
    service->by = caller;
    service->right = right;
    return BOOT_DONE;
}

int32_t boot_registry_declare(struct boot_registry *registry, const char *name, bool declared) {
    struct boot_service *service = find(registry, name);
    if (!service && declared) service = add(registry, name);
    if (!service) return declared ? BOOT_NO_MEMORY : BOOT_DONE;
    service->declared = declared;
    service->starting = false;
    if (!declared && !is_served(service)) drop(registry, service);
    return BOOT_DONE;
}

void boot_registry_ended(struct boot_registry *registry, const char *name) {
    struct boot_service *service = find(registry, name);
    if (service) service->starting = false;
}

/* ---- deciding ---- */

static struct boot_decision answer(int32_t code) { return (struct boot_decision){.act = BOOT_ACT_ANSWER, .code = code}; }

static struct boot_decision start(struct boot_service *service, int32_t code) {
    if (service->starting || is_served(service)) return answer(code);
    service->starting = true;
    return (struct boot_decision){.act = BOOT_ACT_START, .code = code, .service = service};
}

static struct boot_decision look_up(struct boot_service *service) {
    if (!service) return (struct boot_decision){.act = BOOT_ACT_PASS_ON, .code = BOOT_UNKNOWN_SERVICE};
    if (!is_served(service)) return start(service, BOOT_BUSY);
    return (struct boot_decision){.act = BOOT_ACT_CONNECT, .service = service};
}

static struct boot_decision keep(struct boot_registry *registry, const struct boot_request *request,
                                 struct boot_caller caller, boot_right right) {
    int32_t code = boot_registry_keep(registry, request->name, caller, right);
    if (code != BOOT_DONE) return answer(code);
    return (struct boot_decision){.act = BOOT_ACT_KEPT, .service = find(registry, request->name)};
}

struct boot_decision boot_registry_decide(struct boot_registry *registry, const struct boot_request *request,
                                          struct boot_caller caller, boot_right right) {
    struct boot_service *service = find(registry, request->name);
    switch (request->id) {
    case BOOT_REGISTER:
    case BOOT_RELAY_REGISTER: return keep(registry, request, caller, right);
    case BOOT_CHECK_IN:
        if (service && is_served(service)) return answer(BOOT_SERVICE_ACTIVE);
        return (struct boot_decision){.act = BOOT_ACT_MAKE};
    case BOOT_LOOK_UP:
    case BOOT_LOOK_UP2:
    case BOOT_RELAY_LOOK_UP: return look_up(service);
    case BOOT_RELAY_SPAWN:
        return service && service->declared ? start(service, BOOT_DONE) : answer(BOOT_NOT_PRIVILEGED);
    default: return answer(BOOT_BAD_ID);
    }
}

/* ---- forgetting ---- */

static void forget(struct boot_registry *registry, struct boot_service *service, struct boot_service *gone) {
    *gone = *service;
    service->right = BOOT_NO_RIGHT;
    if (!service->declared) drop(registry, service);
}

bool boot_registry_remove_right(struct boot_registry *registry, boot_right right, struct boot_service *gone) {
    for (uint32_t i = 0; i < registry->count; i++) {
        if (registry->services[i].right != right || right == BOOT_NO_RIGHT) continue;
        forget(registry, &registry->services[i], gone);
        return true;
    }
    return false;
}

bool boot_registry_remove_process(struct boot_registry *registry, int32_t pid, struct boot_service *gone) {
    for (uint32_t i = 0; i < registry->count; i++) {
        const struct boot_service *service = &registry->services[i];
        if (!is_served(service) || service->by.pid != pid || service->by.channel == 0) continue;
        forget(registry, &registry->services[i], gone);
        return true;
    }
    return false;
}

bool boot_registry_remove_any(struct boot_registry *registry, struct boot_service *gone) {
    for (uint32_t i = 0; i < registry->count; i++) {
        if (!is_served(&registry->services[i])) continue;
        forget(registry, &registry->services[i], gone);
        return true;
    }
    return false;
}
