/*
 * core_foundation_double.c - violations, failures on demand, and the parts of CoreFoundation and of
 * libobjc that surfaces need. See core_foundation_double.h and iosurface_double.h.
 */
#include "core_foundation_double.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- violations, and failures on demand ------------------------------------------------ */

static char violations[16][160], taken[160];
static int violation_count;

void violation(const char *format, ...) {
    if (violation_count == 16) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(violations[violation_count++], sizeof *violations, format, arguments);
    va_end(arguments);
}

const char *take_violation(void) {
    if (!violation_count) return NULL;
    memcpy(taken, violations[0], sizeof taken);
    memmove(violations[0], violations[1], sizeof violations - sizeof *violations);
    violation_count--;
    return taken;
}

static const char *failing = "";

void fail_next(const char *function) { failing = function; }

bool fails(const char *function) {
    if (strcmp(failing, function) != 0) return false;
    failing = "";
    return true;
}

/* ---- CoreFoundation --------------------------------------------------------------------- */

static const char *const kind_names[] = {"string", "number", "dictionary", "array", "surface"};

const char kCFTypeArrayCallBacks, kCFTypeDictionaryKeyCallBacks, kCFTypeDictionaryValueCallBacks;

struct object *objects;
/* Guards the list and the references: CoreFoundation may be used from any thread. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void *make(enum kind kind, size_t size) {
    struct object *object = calloc(1, size);
    if (!object) abort();
    pthread_mutex_lock(&lock);
    *object = (struct object){.kind = kind, .references = 1, .next = objects};
    objects = object;
    pthread_mutex_unlock(&lock);
    return object;
}

void *valid(CFTypeRef pointer, enum kind kind, const char *function) {
    pthread_mutex_lock(&lock);
    struct object *object = objects;
    while (object && object != pointer) object = object->next;
    int references = object ? object->references : 0;
    pthread_mutex_unlock(&lock);
    if (!object) violation("%s: of no object", function);
    else if (references == 0) violation("%s: of a %s that was released", function, kind_names[object->kind]);
    else if (object->kind != kind) violation("%s: of a %s", function, kind_names[object->kind]);
    else return object;
    return NULL;
}

int live(void) {
    int count = 0;
    pthread_mutex_lock(&lock);
    for (struct object *object = objects; object; object = object->next) count += object->references > 0;
    pthread_mutex_unlock(&lock);
    return count;
}

void forget(void) {
    for (struct object **link = &objects; *link;) {
        struct object *object = *link;
        if (object->references) {
            link = &object->next;
        } else {
            *link = object->next;
            free(object);
        }
    }
}

CFTypeRef CFRetain(CFTypeRef pointer) {
    pthread_mutex_lock(&lock);
    struct object *object = objects;
    while (object && object != pointer) object = object->next;
    bool lives = object && object->references;
    if (lives) object->references++;
    pthread_mutex_unlock(&lock);
    if (!lives) violation("CFRetain: of nothing that lives");
    return pointer;
}

void CFRelease(CFTypeRef pointer) {
    pthread_mutex_lock(&lock);
    struct object *object = objects;
    while (object && object != pointer) object = object->next;
    bool last = object && object->references == 1;
    pthread_mutex_unlock(&lock);
    if (!object || !valid(object, object->kind, "CFRelease")) {
        if (!object) violation("CFRelease: of no object");
        return;
    }
    if (last && object->kind == SURFACE) surface_end((IOSurfaceRef)object);
    pthread_mutex_lock(&lock);
    int left = --object->references;
    pthread_mutex_unlock(&lock);
    if (left) return;
    struct __CFDictionary *dictionary = (struct __CFDictionary *)object;
    for (long i = 0; object->kind == DICTIONARY && i < dictionary->count; i++) CFRelease(dictionary->values[i]);
    struct __CFArray *array = (struct __CFArray *)object;
    for (long i = 0; object->kind == ARRAY && i < array->count; i++) CFRelease(array->values[i]);
}

CFNumberRef CFNumberCreate(const void *allocator, long type, const void *value) {
    if (allocator || type != SLB_CF_NUMBER_SINT32) violation("CFNumberCreate: of type %ld, which is not here", type);
    if (fails(__func__)) return NULL;
    struct __CFNumber *number = make(NUMBER, sizeof *number);
    number->value = *(const int32_t *)value;
    return number;
}

unsigned long CFGetTypeID(CFTypeRef pointer) { return 1 + (unsigned long)((const struct object *)pointer)->kind; }
unsigned long CFNumberGetTypeID(void) { return 1 + NUMBER; }

unsigned char CFNumberGetValue(CFNumberRef number, long type, void *value) {
    if (!valid(number, NUMBER, __func__)) return 0;
    if (type != SLB_CF_NUMBER_SINT64) violation("%s: as type %ld, which is not here", __func__, type);
    memcpy(value, &number->value, sizeof number->value);
    return 1;
}

/* ---- autorelease pools ------------------------------------------------------------------ */

/*
 * The number of pools of a thread. Not thread-local storage: the test loads this library, and ThreadSanitizer
 * (gcc 12) then takes a wrong size for that storage, and fails, when a thread begins meanwhile.
 */
static pthread_key_t pools;
static pthread_once_t pools_once = PTHREAD_ONCE_INIT;

static void make_pools(void) { pthread_key_create(&pools, NULL); }

static uintptr_t pool_count(void) {
    pthread_once(&pools_once, make_pools);
    return (uintptr_t)pthread_getspecific(pools);
}

/* A pool is its number in its thread. */
void *objc_autoreleasePoolPush(void) {
    void *pool = (void *)(pool_count() + 1);
    pthread_setspecific(pools, pool);
    return pool;
}

void objc_autoreleasePoolPop(void *pool) {
    uintptr_t count = pool_count();
    if (count == 0 || (uintptr_t)pool != count) violation("%s: of a pool that is not the newest", __func__);
    else pthread_setspecific(pools, (void *)(count - 1));
}

void autorelease(const char *function) {
    if (pool_count() == 0) violation("%s: without an autorelease pool", function);
}

CFDictionaryRef CFDictionaryCreate(const void *allocator, const void **keys, const void **values, long count,
                                   const void *key_callbacks, const void *value_callbacks) {
    if (allocator || key_callbacks != &kCFTypeDictionaryKeyCallBacks || value_callbacks != &kCFTypeDictionaryValueCallBacks)
        violation("CFDictionaryCreate: without the callbacks that retain");
    if (fails(__func__) || count > 8) return NULL;
    struct __CFDictionary *dictionary = make(DICTIONARY, sizeof *dictionary);
    dictionary->count = count;
    for (long i = 0; i < count; i++) {
        dictionary->keys[i] = keys[i];
        dictionary->values[i] = CFRetain(values[i]);
    }
    return dictionary;
}

CFArrayRef CFArrayCreate(const void *allocator, const void **values, long count, const void *callbacks) {
    if (allocator || callbacks != &kCFTypeArrayCallBacks) violation("%s: without the callbacks that retain", __func__);
    if (fails(__func__) || count > 8) return NULL;
    struct __CFArray *array = make(ARRAY, sizeof *array);
    array->count = count;
    for (long i = 0; i < count; i++) array->values[i] = CFRetain(values[i]);
    return array;
}
