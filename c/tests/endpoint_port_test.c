/*
 * endpoint_port_test.c: bootstrap/endpoint_port.c, which is for macOS, over a double of the two functions of libxpc
 * and of Mach's ports; and what slb_bootstrap_create says where a function is missing.
 *
 * The double counts references as Mach does. It has both behaviours on which sources disagree.
 */
#include "bootstrap/endpoint_port.h"

#include "bootstrap/registry.h"
#include "bridge_support.h"
#include "rights.h"

/* ---- the double --------------------------------------------------------------------------- */

enum { PORTS = 16 };

static struct {
    bool has_create, has_copy;          /* the functions exist */
    bool create_takes, copy_gives;      /* whose reference it is */
    bool create_fails, copy_gives_other, make_fails;
} libxpc;

static struct port {
    bool received; /* its receive right is here */
    uint32_t references;
} ports[PORTS];

static int violations; /* of Mach's rules by the caller */

struct _xpc_endpoint_s {
    uint32_t port;
};
static int endpoints; /* alive */

static struct port *port_at(uint32_t port) {
    if (port > 0 && port < PORTS) return &ports[port];
    violations++;
    return &ports[0];
}

static uint32_t make(void) {
    for (uint32_t i = 1; i < PORTS && !libxpc.make_fails; i++) {
        if (ports[i].received || ports[i].references) continue;
        ports[i] = (struct port){.received = true, .references = 1};
        return i;
    }
    return 0;
}

static void destroy(uint32_t port) {
    if (!port_at(port)->received) violations++;
    port_at(port)->received = false;
}

static uint32_t references(uint32_t port) { return port_at(port)->references; }

static bool retain(uint32_t port) {
    if (port_at(port)->references == 0) return false;
    port_at(port)->references++;
    return true;
}

static void drop(uint32_t port) {
    if (port_at(port)->references == 0) violations++;
    else port_at(port)->references--;
}

static xpc_endpoint_t create(uint32_t port) {
    if (libxpc.create_fails) return NULL;
    if (port_at(port)->references == 0) violations++;
    if (!libxpc.create_takes) port_at(port)->references++;
    struct _xpc_endpoint_s *endpoint = malloc(sizeof *endpoint);
    endpoint->port = port;
    endpoints++;
    return (xpc_endpoint_t)endpoint;
}

static uint32_t copy(xpc_endpoint_t endpoint) {
    uint32_t port = ((struct _xpc_endpoint_s *)endpoint)->port;
    if (libxpc.copy_gives_other) return port + 1;
    if (libxpc.copy_gives) port_at(port)->references++;
    return port;
}

static void release_endpoint(xpc_endpoint_t endpoint) {
    drop(((struct _xpc_endpoint_s *)endpoint)->port);
    free(endpoint);
    endpoints--;
}

static void *find_function(const char *name) {
    xpc_endpoint_t (*created)(uint32_t) = create;
    uint32_t (*copied)(xpc_endpoint_t) = copy;
    void *found = NULL;
    if (strcmp(name, "xpc_endpoint_create_mach_port_4sim") == 0 && libxpc.has_create) memcpy(&found, &created, sizeof found);
    if (strcmp(name, "xpc_endpoint_copy_listener_port_4sim") == 0 && libxpc.has_copy) memcpy(&found, &copied, sizeof found);
    return found;
}

static const struct boot_endpoint_calls calls = {
    .find = find_function,
    .make = make,
    .destroy = destroy,
    .references = references,
    .retain = retain,
    .drop = drop,
    .release = release_endpoint,
};

static void check_nothing_is_left(void) {
    for (int i = 1; i < PORTS; i++) CHECK(!ports[i].received && ports[i].references == 0);
    CHECK(endpoints == 0);
    CHECK(violations == 0);
    memset(ports, 0, sizeof ports);
    memset(&libxpc, 0, sizeof libxpc);
    violations = 0;
}

/* ---- tests -------------------------------------------------------------------------------- */

static struct boot_endpoint_api api;
static char problem[BOOT_PROBLEM_BYTES];

static bool fill(void) { return boot_endpoint_fill(&api, &calls, problem); }

/* A port whose listener is another process: one reference. */
static uint32_t received_port(uint32_t count) {
    ports[PORTS - 2] = (struct port){.references = count};
    return PORTS - 2;
}

static void round_trip(bool create_takes, bool copy_gives) {
    libxpc.has_create = libxpc.has_copy = true;
    libxpc.create_takes = create_takes;
    libxpc.copy_gives = copy_gives;
    CHECK(fill());
    CHECK(api.create_takes == create_takes && api.copy_gives == copy_gives);
    /* As two look-ups of one service: this task has one name for the port, with two references. */
    uint32_t port = received_port(2);
    xpc_endpoint_t first = boot_endpoint_create_consume(&api, &calls, port);
    xpc_endpoint_t second = boot_endpoint_create_consume(&api, &calls, port);
    CHECK(first && second && references(port) == 2); /* those of the endpoints */
    CHECK(boot_endpoint_dup_port(&api, &calls, first) == port && references(port) == 3);
    release_endpoint(first);
    release_endpoint(second);
    CHECK(references(port) == 1); /* the caller's */
    drop(port);
}

static void test_create_takes_and_copy_gives(void) { round_trip(true, true); }
static void test_create_adds_and_copy_gives(void) { round_trip(false, true); }
static void test_create_takes_and_copy_tells(void) { round_trip(true, false); }
static void test_create_adds_and_copy_tells(void) { round_trip(false, false); }

static void test_both_are_missing(void) {
    CHECK(!fill());
    CHECK_TEXT(problem, "libxpc of this macOS has no xpc_endpoint_create_mach_port_4sim");
}

static void test_one_is_missing(void) {
    libxpc.has_copy = true;
    CHECK(!fill());
    CHECK_TEXT(problem, "libxpc of this macOS has no xpc_endpoint_create_mach_port_4sim");
    libxpc.has_copy = false;
    libxpc.has_create = true;
    CHECK(!fill());
    CHECK_TEXT(problem, "libxpc of this macOS has no xpc_endpoint_copy_listener_port_4sim");
}

static void test_they_do_something_else(void) {
    libxpc.has_create = libxpc.has_copy = libxpc.create_fails = true;
    CHECK(!fill());
    CHECK_TEXT(problem, "xpc_endpoint_create_mach_port_4sim of this macOS makes no endpoint");
    libxpc.create_fails = false;
    libxpc.copy_gives_other = true;
    for (int takes = 0; takes < 2; takes++) {
        libxpc.create_takes = takes;
        CHECK(!fill());
        CHECK_TEXT(problem, "xpc_endpoint_copy_listener_port_4sim of this macOS does not give the port that the endpoint was made of");
    }
    libxpc.make_fails = true;
    CHECK(!fill());
    CHECK_TEXT(problem, "this process cannot make a Mach port");
}

static void test_a_failure_later_leaves_nothing(void) {
    libxpc.has_create = libxpc.has_copy = libxpc.copy_gives = true;
    CHECK(fill());
    libxpc.create_fails = true;
    uint32_t port = received_port(1);
    CHECK(boot_endpoint_create_consume(&api, &calls, port) == NULL);
    CHECK(references(port) == 0);
    libxpc.create_fails = false;
}

static void test_a_dead_port_is_not_retained(void) {
    libxpc.has_create = libxpc.has_copy = true;
    CHECK(fill());
    uint32_t port = received_port(1);
    xpc_endpoint_t endpoint = boot_endpoint_create_consume(&api, &calls, port);
    ports[port].references = 0; /* its listener has ended */
    CHECK(boot_endpoint_dup_port(&api, &calls, endpoint) == 0);
    ports[port].references = 1;
    release_endpoint(endpoint);
}

/* As rights_macos.c does, over the double. */
const char *right_problem(void) { return fill() ? NULL : problem; }

static void test_a_bootstrap_says_what_is_missing(void) {
    struct inbox *inbox = inbox_open();
    char text[SLB_MAX_TEXT_BYTES + 1] = {0};
    libxpc.has_create = true;
    CHECK(slb_bootstrap_create(inbox->queue, 0) == 0);
    CHECK(slb_error_code() == SLB_E_ABSENT);
    slb_error_copy((uint8_t *)text, SLB_MAX_TEXT_BYTES);
    CHECK_TEXT(text, "Cannot start a bootstrap: libxpc of this macOS has no xpc_endpoint_copy_listener_port_4sim");
    libxpc.has_copy = true;
    slb_handle bootstrap = slb_bootstrap_create(inbox->queue, 0);
    CHECK(bootstrap != 0);
    CHECK(slb_release(bootstrap) == 0);
    inbox_close(inbox);
    check_nothing_left();
}

static const struct test tests[] = {
    {"create takes the reference, copy gives one", test_create_takes_and_copy_gives},
    {"create adds a reference, copy gives one", test_create_adds_and_copy_gives},
    {"create takes the reference, copy only tells", test_create_takes_and_copy_tells},
    {"create adds a reference, copy only tells", test_create_adds_and_copy_tells},
    {"both are missing", test_both_are_missing},
    {"one is missing", test_one_is_missing},
    {"they do something else", test_they_do_something_else},
    {"a failure later leaves nothing", test_a_failure_later_leaves_nothing},
    {"a dead port is not retained", test_a_dead_port_is_not_retained},
    {"a bootstrap says what is missing", test_a_bootstrap_says_what_is_missing},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, check_nothing_is_left, argc, argv); }
