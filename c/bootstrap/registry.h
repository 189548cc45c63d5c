/*
 * registry.h: the names of a bootstrap, and who serves them.
 *
 * Pure: it neither sends, closes nor starts anything, and knows no clock. It says what is to be done,
 * and the server (server.h) does it. A name goes when its right goes, or the process that has
 * registered it. The registry owns the rights that it has kept, until it gives them back.
 */
#ifndef BOOT_REGISTRY_H
#define BOOT_REGISTRY_H

#include "codec.h"

/* A send right: a descriptor on Linux, the name of a port on macOS. */
typedef int64_t boot_right;
#define BOOT_NO_RIGHT ((boot_right)-1)

/* What is asked, and by whom. */
struct boot_caller {
    uint32_t channel; /* through which it asks; 0: this process asks itself */
    int32_t pid;      /* as the kernel says; 0: it cannot be seen from here */
};

struct boot_service {
    char name[BOOT_NAME_BYTES];
    struct boot_caller by; /* who has registered it */
    boot_right right;      /* BOOT_NO_RIGHT: it is declared, and not served now */
    bool declared;         /* the owner starts a server when one is asked for */
    bool starting;         /* that has begun: until its server has ended */
};

struct boot_limits {
    uint32_t names;             /* in all */
    uint32_t names_per_channel; /* and of each tree below one channel; this process has no such limit */
};

struct boot_registry {
    struct boot_service *services;
    uint32_t count, capacity;
    struct boot_limits limits;
};

/* What is to be done for a request. */
enum boot_act {
    BOOT_ACT_ANSWER,  /* answer with the code */
    BOOT_ACT_KEPT,    /* the right was kept: watch it, tell the owner of the name, answer BOOT_DONE */
    BOOT_ACT_CONNECT, /* connect to the right of the service, and answer with the new connection */
    BOOT_ACT_START,   /* tell the owner to start the service, then answer with the code */
    BOOT_ACT_PASS_ON, /* unknown here: ask the bootstrap that this process is in itself; without one, answer with the code */
    BOOT_ACT_MAKE     /* make a right, keep its sending half with boot_registry_keep, answer with the receiving one */
};

struct boot_decision {
    enum boot_act act;
    int32_t code;
    const struct boot_service *service; /* of CONNECT, START and KEPT; valid until the next change */
};

void boot_registry_init(struct boot_registry *registry, struct boot_limits limits);
/* The rights were given back before: see boot_registry_remove_any. */
void boot_registry_free(struct boot_registry *registry);

/* Decides. `right` came with the request, or is BOOT_NO_RIGHT; only with BOOT_ACT_KEPT it is the registry's from now on. */
struct boot_decision boot_registry_decide(struct boot_registry *registry, const struct boot_request *request,
                                          struct boot_caller caller, boot_right right);

/* Keeps a right under a name. BOOT_DONE, or a code: then the right is still the caller's. */
int32_t boot_registry_keep(struct boot_registry *registry, const char *name, struct boot_caller caller, boot_right right);

/* The service of the name, or NULL. */
const struct boot_service *boot_registry_find(const struct boot_registry *registry, const char *name);

/* Declares a name, or ends that. BOOT_DONE, or BOOT_NO_MEMORY. */
int32_t boot_registry_declare(struct boot_registry *registry, const char *name, bool declared);
/* The server of a declared name has ended, or could not be started. */
void boot_registry_ended(struct boot_registry *registry, const char *name);

/*
 * Forgets a served name: that of a right, of a process (more than once, until false), or any. Copies what it was,
 * and gives its right back to the caller. A declared name stays declared.
 */
bool boot_registry_remove_right(struct boot_registry *registry, boot_right right, struct boot_service *gone);
bool boot_registry_remove_process(struct boot_registry *registry, int32_t pid, struct boot_service *gone);
bool boot_registry_remove_any(struct boot_registry *registry, struct boot_service *gone);

/* How many served names a process has. */
uint32_t boot_registry_count_of(const struct boot_registry *registry, int32_t pid);

#endif
