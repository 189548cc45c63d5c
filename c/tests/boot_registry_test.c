/*
 * boot_registry_test.c - who serves a name, by conversations, and compared with a model that is too simple to be wrong.
 */
#include <stdint.h>

#include "bootstrap/registry.h"
#include "check.h"

static struct boot_registry registry;

enum { NAMES = 20, PER_CHANNEL = 5 };

static void begin(void) {
    boot_registry_init(&registry, (struct boot_limits){.names = NAMES, .names_per_channel = PER_CHANNEL});
}

/* Ends, with no right left. */
static void finish(void) {
    struct boot_service gone;
    while (boot_registry_remove_any(&registry, &gone)) continue;
    boot_registry_free(&registry);
}

static const struct boot_caller own = {.channel = 0, .pid = 1};

static struct boot_caller caller(uint32_t channel, int32_t pid) {
    return (struct boot_caller){.channel = channel, .pid = pid};
}

static struct boot_decision decide(uint32_t id, const char *name, struct boot_caller by, boot_right right) {
    struct boot_request request = {.id = id, .has_right = right != BOOT_NO_RIGHT};
    snprintf(request.name, sizeof request.name, "%s", name);
    return boot_registry_decide(&registry, &request, by, right);
}

static struct boot_decision look_up(const char *name) {
    return decide(BOOT_LOOK_UP, name, caller(2, 20), BOOT_NO_RIGHT);
}

static bool answers(struct boot_decision decision, int32_t code) {
    return decision.act == BOOT_ACT_ANSWER && decision.code == code;
}

/* ---- conversations ---- */

static void registers(void) {
    static const uint32_t look_ups[] = {BOOT_LOOK_UP, BOOT_LOOK_UP2, BOOT_RELAY_LOOK_UP};
    begin();
    struct boot_decision kept = decide(BOOT_REGISTER, "a", caller(1, 10), 77);
    CHECK(kept.act == BOOT_ACT_KEPT && kept.service->right == 77 && kept.service->by.pid == 10);
    CHECK(answers(decide(BOOT_REGISTER, "a", caller(1, 10), 78), BOOT_NAME_IN_USE));
    CHECK(answers(decide(BOOT_RELAY_REGISTER, "a", caller(2, 20), 78), BOOT_NAME_IN_USE));
    CHECK(boot_registry_keep(&registry, "a", own, 78) == BOOT_NAME_IN_USE);
    CHECK(decide(BOOT_RELAY_REGISTER, "b", caller(2, 20), 78).act == BOOT_ACT_KEPT);
    for (size_t i = 0; i < 3; i++) {
        struct boot_decision found = decide(look_ups[i], "a", caller(2, 20), BOOT_NO_RIGHT);
        CHECK(found.act == BOOT_ACT_CONNECT && found.service->right == 77);
        found = decide(look_ups[i], "c", caller(2, 20), BOOT_NO_RIGHT);
        CHECK(found.act == BOOT_ACT_PASS_ON && found.code == BOOT_UNKNOWN_SERVICE);
    }
    CHECK(boot_registry_find(&registry, "a")->right == 77 && !boot_registry_find(&registry, "c"));
    CHECK(answers(decide(399, "a", caller(1, 10), BOOT_NO_RIGHT), BOOT_BAD_ID));
    finish();
}

static void checks_in(void) {
    begin();
    CHECK(decide(BOOT_CHECK_IN, "a", caller(1, 10), BOOT_NO_RIGHT).act == BOOT_ACT_MAKE);
    CHECK(!boot_registry_find(&registry, "a")); /* nothing was kept yet */
    CHECK(boot_registry_keep(&registry, "a", caller(1, 10), 5) == BOOT_DONE);
    CHECK(answers(decide(BOOT_CHECK_IN, "a", caller(1, 10), BOOT_NO_RIGHT), BOOT_SERVICE_ACTIVE));
    CHECK(look_up("a").act == BOOT_ACT_CONNECT);
    finish();
}

static void quotas(void) {
    char name[16];
    begin();
    for (int i = 0; i < PER_CHANNEL; i++) {
        snprintf(name, sizeof name, "one.%d", i);
        CHECK(decide(BOOT_REGISTER, name, caller(1, 10 + i), 100 + i).act == BOOT_ACT_KEPT);
    }
    CHECK(answers(decide(BOOT_REGISTER, "more", caller(1, 10), 99), BOOT_NO_MEMORY));
    CHECK(answers(decide(BOOT_REGISTER, "one.0", caller(1, 10), 99), BOOT_NAME_IN_USE));
    CHECK(decide(BOOT_REGISTER, "more", caller(2, 20), 99).act == BOOT_ACT_KEPT); /* another channel */
    for (int i = PER_CHANNEL + 1; i < NAMES; i++) { /* this process has no such quota */
        snprintf(name, sizeof name, "own.%d", i);
        CHECK(boot_registry_keep(&registry, name, own, 200 + i) == BOOT_DONE);
    }
    CHECK(boot_registry_keep(&registry, "over", own, 300) == BOOT_NO_MEMORY);
    CHECK(answers(decide(BOOT_REGISTER, "over", caller(3, 30), 300), BOOT_NO_MEMORY));
    CHECK(boot_registry_declare(&registry, "over", true) == BOOT_NO_MEMORY);
    struct boot_service gone;
    CHECK(boot_registry_remove_right(&registry, 100, &gone)); /* one goes: there is room for one */
    CHECK(decide(BOOT_REGISTER, "again", caller(1, 10), 301).act == BOOT_ACT_KEPT);
    CHECK(answers(decide(BOOT_REGISTER, "over", caller(1, 10), 302), BOOT_NO_MEMORY));
    finish();
}

/* A declared name counts for a channel only while somebody serves it. */
static void quotas_of_declared(void) {
    begin();
    for (int i = 0; i < PER_CHANNEL + 1; i++) {
        char name[16];
        snprintf(name, sizeof name, "d.%d", i);
        CHECK(boot_registry_declare(&registry, name, true) == BOOT_DONE);
        struct boot_decision decision = decide(BOOT_REGISTER, name, caller(1, 10), 50 + i);
        if (i < PER_CHANNEL) CHECK(decision.act == BOOT_ACT_KEPT);
        else CHECK(answers(decision, BOOT_NO_MEMORY));
    }
    finish();
}

static void declared_services(void) {
    struct boot_service gone;
    begin();
    CHECK(answers(decide(BOOT_RELAY_SPAWN, "d", caller(1, 10), BOOT_NO_RIGHT), BOOT_NOT_PRIVILEGED));
    CHECK(boot_registry_declare(&registry, "d", true) == BOOT_DONE);
    struct boot_decision asked = look_up("d");
    CHECK(asked.act == BOOT_ACT_START && asked.code == BOOT_BUSY);
    CHECK_TEXT(asked.service->name, "d");
    CHECK(answers(look_up("d"), BOOT_BUSY)); /* it is started once */
    CHECK(answers(decide(BOOT_RELAY_SPAWN, "d", caller(1, 10), BOOT_NO_RIGHT), BOOT_DONE));
    boot_registry_ended(&registry, "d"); /* without having served */
    asked = decide(BOOT_RELAY_SPAWN, "d", caller(1, 10), BOOT_NO_RIGHT);
    CHECK(asked.act == BOOT_ACT_START && asked.code == BOOT_DONE);
    CHECK(decide(BOOT_REGISTER, "d", caller(1, 11), 5).act == BOOT_ACT_KEPT);
    CHECK(look_up("d").act == BOOT_ACT_CONNECT);
    CHECK(answers(decide(BOOT_RELAY_SPAWN, "d", caller(1, 10), BOOT_NO_RIGHT), BOOT_DONE));
    CHECK(boot_registry_remove_right(&registry, 5, &gone) && gone.declared);
    CHECK(answers(look_up("d"), BOOT_BUSY)); /* its process has not ended yet */
    boot_registry_ended(&registry, "d");
    asked = look_up("d"); /* it stays declared */
    CHECK(asked.act == BOOT_ACT_START && asked.code == BOOT_BUSY);
    CHECK(boot_registry_declare(&registry, "d", false) == BOOT_DONE);
    CHECK(look_up("d").act == BOOT_ACT_PASS_ON);
    CHECK(boot_registry_declare(&registry, "d", false) == BOOT_DONE);
    boot_registry_ended(&registry, "d");
    CHECK(registry.count == 0);
    finish();
}

/* What is no longer declared while it is served goes with its right. */
static void declared_no_more(void) {
    struct boot_service gone;
    begin();
    CHECK(boot_registry_keep(&registry, "d", caller(1, 10), 5) == BOOT_DONE);
    CHECK(boot_registry_declare(&registry, "d", true) == BOOT_DONE);
    CHECK(look_up("d").act == BOOT_ACT_CONNECT);
    CHECK(boot_registry_declare(&registry, "d", false) == BOOT_DONE);
    CHECK(look_up("d").act == BOOT_ACT_CONNECT);
    CHECK(boot_registry_remove_right(&registry, 5, &gone));
    CHECK(registry.count == 0);
    finish();
}

static void forgets(void) {
    struct boot_service gone;
    begin();
    CHECK(boot_registry_keep(&registry, "a", caller(1, 10), 1) == BOOT_DONE);
    CHECK(boot_registry_keep(&registry, "b", caller(1, 10), 2) == BOOT_DONE);
    CHECK(boot_registry_keep(&registry, "c", caller(2, 20), 3) == BOOT_DONE);
    CHECK(boot_registry_keep(&registry, "d", caller(0, 10), 4) == BOOT_DONE); /* of this process: no pid ends it */
    CHECK(!boot_registry_remove_right(&registry, 9, &gone));
    CHECK(!boot_registry_remove_right(&registry, BOOT_NO_RIGHT, &gone));
    CHECK(!boot_registry_remove_process(&registry, 30, &gone));
    CHECK(boot_registry_count_of(&registry, 10) == 3);
    CHECK(boot_registry_remove_right(&registry, 1, &gone) && gone.right == 1 && gone.by.pid == 10);
    CHECK_TEXT(gone.name, "a");
    CHECK(boot_registry_remove_process(&registry, 10, &gone) && gone.right == 2);
    CHECK(!boot_registry_remove_process(&registry, 10, &gone));
    CHECK(boot_registry_remove_any(&registry, &gone));
    CHECK(boot_registry_remove_any(&registry, &gone));
    CHECK(!boot_registry_remove_any(&registry, &gone));
    finish();
}

/* A name without a right is not removed with the rights. */
static void declared_stay(void) {
    struct boot_service gone;
    begin();
    CHECK(boot_registry_declare(&registry, "d", true) == BOOT_DONE);
    CHECK(!boot_registry_remove_right(&registry, BOOT_NO_RIGHT, &gone));
    CHECK(!boot_registry_remove_process(&registry, 0, &gone));
    CHECK(!boot_registry_remove_any(&registry, &gone));
    CHECK(look_up("d").act == BOOT_ACT_START);
    finish();
}

/* ---- a model ---- */

enum { MODEL_NAMES = 12, MODEL_LIMIT = 8, MODEL_PER_CHANNEL = 3, CHANNELS = 3, PIDS = 4, STEPS = 200000 };

/* One for each name, served by right 0 if by nobody. */
static struct {
    bool declared, starting;
    boot_right right;
    struct boot_caller by;
} model[MODEL_NAMES];

static uint32_t model_count(uint32_t channel, bool in_all) {
    uint32_t count = 0;
    for (int i = 0; i < MODEL_NAMES; i++) {
        bool served = model[i].right != 0;
        if (in_all ? served || model[i].declared : served && model[i].by.channel == channel) count++;
    }
    return count;
}

static int32_t model_keep(int i, struct boot_caller by, boot_right right) {
    if (model[i].right) return BOOT_NAME_IN_USE;
    if (by.channel && model_count(by.channel, false) >= MODEL_PER_CHANNEL) return BOOT_NO_MEMORY;
    if (!model[i].declared && model_count(0, true) >= MODEL_LIMIT) return BOOT_NO_MEMORY;
    model[i].right = right;
    model[i].by = by;
    return BOOT_DONE;
}

static struct boot_decision model_start(int i, int32_t code) {
    if (model[i].starting || model[i].right) return (struct boot_decision){BOOT_ACT_ANSWER, code, NULL};
    model[i].starting = true;
    return (struct boot_decision){BOOT_ACT_START, code, NULL};
}

static struct boot_decision model_decide(uint32_t id, int i, struct boot_caller by, boot_right right) {
    int32_t code;
    switch (id) {
    case BOOT_REGISTER:
        code = model_keep(i, by, right);
        return (struct boot_decision){code == BOOT_DONE ? BOOT_ACT_KEPT : BOOT_ACT_ANSWER, code, NULL};
    case BOOT_CHECK_IN:
        if (model[i].right) return (struct boot_decision){BOOT_ACT_ANSWER, BOOT_SERVICE_ACTIVE, NULL};
        return (struct boot_decision){BOOT_ACT_MAKE, BOOT_DONE, NULL};
    case BOOT_RELAY_SPAWN:
        if (!model[i].declared) return (struct boot_decision){BOOT_ACT_ANSWER, BOOT_NOT_PRIVILEGED, NULL};
        return model_start(i, BOOT_DONE);
    default:
        if (model[i].right) return (struct boot_decision){BOOT_ACT_CONNECT, BOOT_DONE, NULL};
        if (model[i].declared) return model_start(i, BOOT_BUSY);
        return (struct boot_decision){BOOT_ACT_PASS_ON, BOOT_UNKNOWN_SERVICE, NULL};
    }
}

static int index_of(const char *name) { return name[0] - 'a'; }

/* Both forget what has gone from the registry. */
static void model_gone(const struct boot_service *gone) {
    int i = index_of(gone->name);
    CHECK(model[i].right == gone->right && model[i].by.pid == gone->by.pid && model[i].by.channel == gone->by.channel);
    model[i].right = 0;
}

static bool model_has(boot_right right, int32_t pid) {
    for (int i = 0; i < MODEL_NAMES; i++) {
        if (model[i].right && (right ? model[i].right == right : model[i].by.pid == pid && model[i].by.channel)) return true;
    }
    return false;
}

static void check_model(void) {
    for (int i = 0; i < MODEL_NAMES; i++) {
        const struct boot_service *service = boot_registry_find(&registry, (char[]){(char)('a' + i), 0});
        CHECK((service != NULL) == (model[i].right || model[i].declared));
        if (!service) continue;
        CHECK((service->right == BOOT_NO_RIGHT ? 0 : service->right) == model[i].right);
        CHECK(service->declared == model[i].declared && service->starting == model[i].starting);
    }
    CHECK(registry.count == model_count(0, true));
}

static void step(unsigned *seed, boot_right right) {
    static const uint32_t ids[] = {BOOT_REGISTER, BOOT_LOOK_UP, BOOT_RELAY_SPAWN, BOOT_CHECK_IN};
    int i = rand_r(seed) % MODEL_NAMES, which = rand_r(seed) % 12;
    const char name[] = {(char)('a' + i), 0};
    struct boot_caller by = caller((uint32_t)(rand_r(seed) % CHANNELS), rand_r(seed) % PIDS);
    boot_right some = model[rand_r(seed) % MODEL_NAMES].right;
    struct boot_service gone;
    if (which < 6) {
        uint32_t id = ids[which % 4];
        struct boot_decision decision = decide(id, name, by, id == BOOT_REGISTER ? right : BOOT_NO_RIGHT);
        struct boot_decision expected = model_decide(id, i, by, right);
        CHECK(decision.act == expected.act && decision.code == expected.code);
        if (decision.act == BOOT_ACT_MAKE) CHECK(boot_registry_keep(&registry, name, by, right) == model_keep(i, by, right));
    } else if (which < 8) {
        bool declared = rand_r(seed) % 2;
        bool full = declared && !model[i].declared && !model[i].right && model_count(0, true) >= MODEL_LIMIT;
        CHECK(boot_registry_declare(&registry, name, declared) == (full ? BOOT_NO_MEMORY : BOOT_DONE));
        if (!full) model[i].declared = declared;
        if (!full) model[i].starting = false;
    } else if (which == 8) {
        boot_registry_ended(&registry, name);
        model[i].starting = false;
    } else if (which == 9) {
        bool has = some != 0;
        CHECK(boot_registry_remove_right(&registry, has ? some : right, &gone) == has);
        if (has) model_gone(&gone);
    } else if (which == 10) {
        bool has = model_has(0, by.pid);
        CHECK(boot_registry_remove_process(&registry, by.pid, &gone) == has);
        if (has) model_gone(&gone);
    } else if (rand_r(seed) % 10 == 0 && boot_registry_remove_any(&registry, &gone)) {
        model_gone(&gone);
    }
}

static void compares_with_a_model(void) {
    unsigned seed = 1;
    boot_registry_init(&registry, (struct boot_limits){.names = MODEL_LIMIT, .names_per_channel = MODEL_PER_CHANNEL});
    for (int i = 1; i <= STEPS && check_failures == 0; i++) {
        step(&seed, i); /* each right is another */
        check_model();
    }
    finish();
}

static const struct test tests[] = {
    {"registers and looks up", registers},
    {"checks in", checks_in},
    {"quotas", quotas},
    {"quotas of declared names", quotas_of_declared},
    {"declared services", declared_services},
    {"declared no more", declared_no_more},
    {"forgets by right and by process", forgets},
    {"declared names stay", declared_stay},
    {"compares with a model", compares_with_a_model},
};

int main(int argc, char **argv) { return RUN_TESTS(tests, NULL, argc, argv); }
