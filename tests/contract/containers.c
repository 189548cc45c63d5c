/*
 * containers.c - arrays and dictionaries.
 */
#include <math.h>
#include <unistd.h>

#include "events.h"

static const uint8_t sample_uuid[16] = {9, 8, 7}, null_uuid[16];

/* ---- Arrays --------------------------------------------------------------------------- */

/* An array of the int64 values 0, 1, … */
static xpc_object_t array_of(int64_t count) {
    xpc_object_t array = xpc_array_create_empty();
    for (int64_t i = 0; i < count; i++) xpc_array_set_int64(array, XPC_ARRAY_APPEND, i);
    return array;
}

static void arrays_keep_their_order(void) {
    xpc_object_t members[] = {xpc_int64_create(5), xpc_int64_create(6), xpc_int64_create(7)};
    xpc_object_t array = xpc_array_create(members, 3);
    for (size_t i = 0; i < 3; i++) CHECK(xpc_array_get_value(array, i) == members[i]);
    for (size_t i = 0; i < 3; i++) xpc_release(members[i]);
    xpc_release(array);
}

static void arrays_take_the_count_given(void) {
    xpc_object_t members[] = {xpc_int64_create(5), xpc_int64_create(6)};
    xpc_object_t array = xpc_array_create(members, 1), none = xpc_array_create(NULL, 0);
    CHECK(xpc_array_get_count(array) == 1 && xpc_array_get_count(none) == 0);
    for (size_t i = 0; i < 2; i++) xpc_release(members[i]);
    xpc_release(array);
    xpc_release(none);
}

static void arrays_grow(void) {
    xpc_object_t array = array_of(1000);
    CHECK(xpc_array_get_count(array) == 1000);
    for (size_t i = 0; i < 1000; i++) CHECK(xpc_array_get_int64(array, i) == (int64_t)i);
    xpc_release(array);
}

static void arrays_replace(void) {
    xpc_object_t array = array_of(3), text = xpc_string_create("new");
    xpc_array_set_value(array, 1, text);
    xpc_array_set_uint64(array, 2, 9);
    xpc_array_set_string(array, 0, "two");
    CHECK(xpc_array_get_count(array) == 3);
    CHECK_TEXT(xpc_array_get_string(array, 0), "two");
    xpc_array_set_int64(array, 0, 0);
    CHECK(xpc_array_get_int64(array, 0) == 0 && xpc_array_get_value(array, 1) == text);
    CHECK(xpc_array_get_uint64(array, 2) == 9);
    xpc_release(text);
    xpc_release(array);
}

static void count_of_others(void) {
    xpc_object_t text = xpc_string_create("text");
    CHECK(xpc_array_get_count(text) == 0);
    CHECK(xpc_array_get_value(text, 0) == NULL);
    xpc_release(text);
}

struct walk {
    size_t seen, until;
};

static bool walk_in_order(void *context, size_t index, xpc_object_t value) {
    struct walk *walk = context;
    CHECK(index == walk->seen && xpc_int64_get_value(value) == (int64_t)index);
    return ++walk->seen < walk->until;
}

static void arrays_apply_in_order(void) {
    struct walk walk = {.until = SIZE_MAX};
    xpc_object_t array = array_of(50);
    CHECK(xpc_array_apply(array, ARRAY_APPLIER(walk_in_order, &walk)));
    CHECK(walk.seen == 50);
    xpc_release(array);
}

static void arrays_apply_until_false(void) {
    struct walk walk = {.until = 10};
    xpc_object_t array = array_of(50);
    CHECK(!xpc_array_apply(array, ARRAY_APPLIER(walk_in_order, &walk)));
    CHECK(walk.seen == 10);
    xpc_release(array);
}

/* An array with one value of each type, made by the setters. */
static xpc_object_t array_of_all(void) {
    xpc_object_t array = xpc_array_create_empty(), inner = xpc_dictionary_create_empty(), nested = array_of(0);
    xpc_array_set_bool(array, XPC_ARRAY_APPEND, true);
    xpc_array_set_int64(array, XPC_ARRAY_APPEND, -1);
    xpc_array_set_uint64(array, XPC_ARRAY_APPEND, 2);
    xpc_array_set_double(array, XPC_ARRAY_APPEND, 0.25);
    xpc_array_set_date(array, XPC_ARRAY_APPEND, 3);
    xpc_array_set_data(array, XPC_ARRAY_APPEND, "xyz", 3);
    xpc_array_set_string(array, XPC_ARRAY_APPEND, "text");
    xpc_array_set_uuid(array, XPC_ARRAY_APPEND, sample_uuid);
    xpc_array_set_fd(array, XPC_ARRAY_APPEND, 0);
    xpc_array_append_value(array, inner);
    xpc_array_append_value(array, nested);
    xpc_release(inner);
    xpc_release(nested);
    return array;
}

static void array_setters_make_objects(void) {
    const xpc_type_t types[] = {XPC_TYPE_BOOL, XPC_TYPE_INT64,  XPC_TYPE_UINT64, XPC_TYPE_DOUBLE, XPC_TYPE_DATE,
                                XPC_TYPE_DATA, XPC_TYPE_STRING, XPC_TYPE_UUID,   XPC_TYPE_FD,     XPC_TYPE_DICTIONARY,
                                XPC_TYPE_ARRAY};
    xpc_object_t array = array_of_all();
    for (size_t i = 0; i < 11; i++) CHECK(xpc_get_type(xpc_array_get_value(array, i)) == types[i]);
    xpc_release(array);
}

static void array_getters_are_strict(void) {
    xpc_object_t a = array_of_all();
    size_t length = 9;
    for (size_t i = 0; i < 11; i++) {
        CHECK(xpc_array_get_bool(a, i) == (i == 0));
        CHECK(xpc_array_get_int64(a, i) == (i == 1 ? -1 : 0));
        CHECK(xpc_array_get_uint64(a, i) == (i == 2 ? 2 : 0));
        CHECK(i == 3 ? xpc_array_get_double(a, i) == 0.25 : isnan(xpc_array_get_double(a, i)));
        CHECK(xpc_array_get_date(a, i) == (i == 4 ? 3 : 0));
        CHECK((xpc_array_get_data(a, i, &length) != NULL) == (i == 5));
        if (i == 5) CHECK(length == 3 && memcmp(xpc_array_get_data(a, i, &length), "xyz", 3) == 0);
        CHECK((xpc_array_get_string(a, i) != NULL) == (i == 6));
        if (i == 6) CHECK_TEXT(xpc_array_get_string(a, i), "text");
        CHECK((xpc_array_get_dictionary(a, i) != NULL) == (i == 9));
        CHECK((xpc_array_get_array(a, i) != NULL) == (i == 10));
    }
    xpc_release(a);
}

static void array_uuid_of_others(void) {
    xpc_object_t array = array_of_all();
    const uint8_t *own = xpc_array_get_uuid(array, 7), *other = xpc_array_get_uuid(array, 6);
    CHECK(own && memcmp(own, sample_uuid, 16) == 0);
    CHECK(other && memcmp(other, null_uuid, 16) == 0);
    xpc_release(array);
}

static void array_descriptors(void) {
    xpc_object_t array = array_of_all();
    int fd = xpc_array_dup_fd(array, 8);
    CHECK(fd > 0);
    CHECK(xpc_array_dup_fd(array, 1) == -1);
    close(fd);
    xpc_release(array);
}

/* ---- Dictionaries --------------------------------------------------------------------- */

static void dictionaries_of_arrays(void) {
    char key[] = "b";
    const char *keys[] = {key, "a", "none"};
    xpc_object_t values[] = {xpc_int64_create(1), xpc_string_create("text"), NULL};
    xpc_object_t dictionary = xpc_dictionary_create(keys, values, 3);
    key[0] = 'x';
    CHECK(xpc_dictionary_get_value(dictionary, "b") == values[0]);
    CHECK(xpc_dictionary_get_value(dictionary, "a") == values[1]);
    xpc_release(values[0]);
    xpc_release(values[1]);
    xpc_release(dictionary);
}

static void dictionary_values_may_be_null(void) {
    const char *keys[] = {"a", "none"};
    xpc_object_t values[] = {xpc_int64_create(1), NULL};
    xpc_object_t dictionary = xpc_dictionary_create(keys, values, 2);
    CHECK(xpc_dictionary_get_value(dictionary, "none") == NULL);
    CHECK(xpc_dictionary_get_int64(dictionary, "a") == 1);
    xpc_release(values[0]);
    xpc_release(dictionary);
}

static void null_deletes(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_int64(dictionary, "a", 1);
    xpc_dictionary_set_int64(dictionary, "b", 2);
    xpc_dictionary_set_value(dictionary, "a", NULL);
    xpc_dictionary_set_value(dictionary, "never there", NULL);
    CHECK(xpc_dictionary_get_value(dictionary, "a") == NULL);
    CHECK(xpc_dictionary_get_int64(dictionary, "b") == 2);
    xpc_release(dictionary);
}

/* The keys "0" to "999", each with its number, set in another order than theirs. */
static xpc_object_t dictionary_of_1000(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    char key[20];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d", i * 7 % 1000);
        xpc_dictionary_set_int64(dictionary, key, i * 7 % 1000);
    }
    return dictionary;
}

static void null_deletes_one_of_many(void) {
    xpc_object_t dictionary = dictionary_of_1000();
    char key[20];
    for (int i = 0; i < 1000; i += 2) {
        snprintf(key, sizeof key, "%d", i);
        xpc_dictionary_set_value(dictionary, key, NULL);
        CHECK(xpc_dictionary_get_value(dictionary, key) == NULL);
    }
    CHECK(xpc_dictionary_get_count(dictionary) == 500);
    for (int i = 1; i < 1000; i += 2) {
        snprintf(key, sizeof key, "%d", i);
        CHECK(xpc_dictionary_get_int64(dictionary, key) == i);
    }
    xpc_release(dictionary);
}

static void counts_keys(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty(), null = xpc_null_create();
    CHECK(xpc_dictionary_get_count(dictionary) == 0);
    xpc_dictionary_set_value(dictionary, "a", null);
    xpc_dictionary_set_int64(dictionary, "b", 1);
    CHECK(xpc_dictionary_get_count(dictionary) == 2);
    xpc_dictionary_set_int64(dictionary, "b", 2);
    CHECK(xpc_dictionary_get_count(dictionary) == 2);
    xpc_dictionary_set_value(dictionary, "a", NULL);
    CHECK(xpc_dictionary_get_count(dictionary) == 1);
    CHECK(xpc_dictionary_get_count(null) == 0);
    xpc_release(null);
    xpc_release(dictionary);
}

static void null_objects_hold_a_place(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty(), null = xpc_null_create();
    xpc_dictionary_set_value(dictionary, "reserved", null);
    CHECK(xpc_get_type(xpc_dictionary_get_value(dictionary, "reserved")) == XPC_TYPE_NULL);
    CHECK(xpc_dictionary_get_value(dictionary, "unset") == NULL);
    xpc_release(null);
    xpc_release(dictionary);
}

static void dictionaries_overwrite(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_int64(dictionary, "a", 1);
    xpc_dictionary_set_string(dictionary, "a", "text");
    CHECK(xpc_dictionary_get_count(dictionary) == 1);
    CHECK_TEXT(xpc_dictionary_get_string(dictionary, "a"), "text");
    xpc_release(dictionary);
}

static void dictionaries_grow(void) {
    xpc_object_t dictionary = dictionary_of_1000();
    char key[20];
    CHECK(xpc_dictionary_get_count(dictionary) == 1000);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "%d", i);
        CHECK(xpc_dictionary_get_value(dictionary, key) && xpc_dictionary_get_int64(dictionary, key) == i);
    }
    CHECK(xpc_dictionary_get_value(dictionary, "") == NULL && xpc_dictionary_get_value(dictionary, "00") == NULL);
    xpc_dictionary_set_string(dictionary, "5", "replaced");
    CHECK(xpc_dictionary_get_count(dictionary) == 1000);
    CHECK_TEXT(xpc_dictionary_get_string(dictionary, "5"), "replaced");
    xpc_release(dictionary);
}

static void value_of_others(void) {
    xpc_object_t array = array_of(1);
    CHECK(xpc_dictionary_get_value(array, "0") == NULL);
    xpc_release(array);
}

static bool visit(void *context, const char *key, xpc_object_t value) {
    struct walk *walk = context;
    CHECK(*key == 'a' + (char)xpc_int64_get_value(value));
    return ++walk->seen < walk->until;
}

static xpc_object_t letters(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    for (char letter = 'a'; letter <= 'e'; letter++) {
        xpc_dictionary_set_int64(dictionary, (const char[]){letter, 0}, letter - 'a');
    }
    return dictionary;
}

static void dictionaries_apply(void) {
    struct walk walk = {.until = SIZE_MAX};
    xpc_object_t dictionary = letters();
    CHECK(xpc_dictionary_apply(dictionary, DICTIONARY_APPLIER(visit, &walk)));
    CHECK(walk.seen == 5);
    xpc_release(dictionary);
}

static void dictionaries_apply_until_false(void) {
    struct walk walk = {.until = 2};
    xpc_object_t dictionary = letters();
    CHECK(!xpc_dictionary_apply(dictionary, DICTIONARY_APPLIER(visit, &walk)));
    CHECK(walk.seen == 2);
    xpc_release(dictionary);
}

/* A dictionary with one value of each type, made by the setters. */
static xpc_object_t dictionary_of_all(void) {
    xpc_object_t d = xpc_dictionary_create_empty(), array = array_of(1), inner = letters();
    xpc_dictionary_set_bool(d, "bool", true);
    xpc_dictionary_set_int64(d, "int64", -1);
    xpc_dictionary_set_uint64(d, "uint64", 2);
    xpc_dictionary_set_double(d, "double", 0.25);
    xpc_dictionary_set_date(d, "date", 3);
    xpc_dictionary_set_data(d, "data", "xyz", 3);
    xpc_dictionary_set_string(d, "string", "text");
    xpc_dictionary_set_uuid(d, "uuid", sample_uuid);
    xpc_dictionary_set_fd(d, "fd", 0);
    xpc_dictionary_set_value(d, "array", array);
    xpc_dictionary_set_value(d, "dictionary", inner);
    xpc_release(array);
    xpc_release(inner);
    return d;
}

static const char *const all_keys[] = {"bool",   "int64", "uint64", "double", "date",      "data",
                                       "string", "uuid",  "fd",     "array",  "dictionary", "none"};

static void dictionary_getters_are_strict(void) {
    xpc_object_t d = dictionary_of_all();
    size_t length = 0;
    for (size_t i = 0; i < sizeof all_keys / sizeof all_keys[0]; i++) {
        const char *key = all_keys[i];
        CHECK(xpc_dictionary_get_bool(d, key) == (i == 0));
        CHECK(xpc_dictionary_get_int64(d, key) == (i == 1 ? -1 : 0));
        CHECK(xpc_dictionary_get_uint64(d, key) == (i == 2 ? 2 : 0));
        CHECK(i == 3 ? xpc_dictionary_get_double(d, key) == 0.25 : isnan(xpc_dictionary_get_double(d, key)));
        CHECK(xpc_dictionary_get_date(d, key) == (i == 4 ? 3 : 0));
        CHECK((xpc_dictionary_get_data(d, key, &length) != NULL) == (i == 5));
        if (i == 5) CHECK(length == 3 && memcmp(xpc_dictionary_get_data(d, key, NULL), "xyz", 3) == 0);
        CHECK((xpc_dictionary_get_string(d, key) != NULL) == (i == 6));
        if (i == 6) CHECK_TEXT(xpc_dictionary_get_string(d, key), "text");
        CHECK((xpc_dictionary_get_uuid(d, key) != NULL) == (i == 7));
        if (i == 7) CHECK(memcmp(xpc_dictionary_get_uuid(d, key), sample_uuid, 16) == 0);
        CHECK((xpc_dictionary_get_array(d, key) != NULL) == (i == 9));
        if (i == 9) CHECK(xpc_dictionary_get_array(d, key) == xpc_dictionary_get_value(d, key));
        CHECK((xpc_dictionary_get_dictionary(d, key) != NULL) == (i == 10));
    }
    xpc_release(d);
}

static void dictionary_setters_make_objects(void) {
    const xpc_type_t types[] = {XPC_TYPE_BOOL, XPC_TYPE_INT64,  XPC_TYPE_UINT64, XPC_TYPE_DOUBLE, XPC_TYPE_DATE,
                                XPC_TYPE_DATA, XPC_TYPE_STRING, XPC_TYPE_UUID,   XPC_TYPE_FD};
    xpc_object_t d = dictionary_of_all();
    for (size_t i = 0; i < 9; i++) CHECK(xpc_get_type(xpc_dictionary_get_value(d, all_keys[i])) == types[i]);
    xpc_release(d);
}

static void dictionary_descriptors(void) {
    xpc_object_t d = dictionary_of_all();
    int fd = xpc_dictionary_dup_fd(d, "fd");
    CHECK(fd > 0);
    CHECK(xpc_dictionary_dup_fd(d, "int64") == -1 && xpc_dictionary_dup_fd(d, "none") == -1);
    close(fd);
    xpc_release(d);
}

static const struct contract_case cases[] = {
    {"an array keeps its order", "xpc.h", "xpc_array_create", "The order of this array is preserved in the object",
     arrays_keep_their_order},
    {"an array has the given number of values", "xpc.h", "xpc_array_create",
     "only the specified number of items are inserted into the resulting array", arrays_take_the_count_given},
    {"an array grows", "xpc.h", "XPC_TYPE_ARRAY", "The array will grow as needed to accommodate more objects",
     arrays_grow},
    {"a value set in an array replaces the old one", "xpc.h", "xpc_array_set_value",
     "the new value is inserted in its place", arrays_replace},
    {"the count of a string object as an array is 0", "xpc.h", "xpc_array_get_count",
     "0 if the given object was not an XPC array", count_of_others},
    {"an array is iterated in order", "xpc.h", "xpc_array_apply", "The array indexes are iterated in order",
     arrays_apply_in_order},
    {"the iteration of an array ends at false", "xpc.h", "xpc_array_apply",
     "Iteration will only fail if the applier block returns false", arrays_apply_until_false},
    {"array setters make objects", "xpc.h", "xpc_array_set_bool",
     "may be safely retrieved with {@link xpc_array_get_value()}", array_setters_make_objects},
    {"array getters are strict", "xpc.h", "xpc_array_get_int64",
     "0 if the value at the specified index is not a signed integer value", array_getters_are_strict},
    {"the UUID of an array's string is the null UUID", "xpc.h", "xpc_array_get_uuid",
     "The null UUID if the value at the specified index is not a UUID value", array_uuid_of_others},
    {"descriptors of an array", "xpc.h", "xpc_array_dup_fd",
     "-1 if the value at the specified index is not a file descriptor value", array_descriptors},
    {"a dictionary copies its keys", "xpc.h", "xpc_dictionary_create",
     "copied into the dictionary's internal storage", dictionaries_of_arrays},
    {"a dictionary may be created with a NULL value", "xpc.h", "xpc_dictionary_create",
     "Elements in this array may be NULL", dictionary_values_may_be_null},
    {"NULL deletes a key", "xpc.h", "xpc_dictionary_set_value",
     "the value corresponding to the specified key is deleted if present", null_deletes},
    {"NULL deletes keys of a large dictionary", "xpc.h", "xpc_dictionary_set_value",
     "the value corresponding to the specified key is deleted if present", null_deletes_one_of_many},
    {"a dictionary's count goes up and down", "xpc.h", "xpc_dictionary_get_count",
     "The number of values stored in the dictionary or 0 if the given object was not an XPC dictionary", counts_keys},
    {"a null object is not an unset key", "xpc.h", "XPC_TYPE_NULL",
     "disambiguating an unset key in a dictionary and one which has been reserved but set empty",
     null_objects_hold_a_place},
    {"a value that is set again is overwritten", "xpc.h", "xpc_dictionary_set_value",
     "the old value is released and overwritten by the new value", dictionaries_overwrite},
    {"a dictionary grows", "xpc.h", "XPC_TYPE_DICTIONARY",
     "The dictionary will grow as needed to accommodate more key/value pairs", dictionaries_grow},
    {"the value for a key of an array object is NULL", "xpc.h", "xpc_dictionary_get_value",
     "if the given object was not an XPC dictionary", value_of_others},
    {"a dictionary is iterated whole", "xpc.h", "xpc_dictionary_apply",
     "Invokes the given block for every key/value pair in the dictionary", dictionaries_apply},
    {"the iteration of a dictionary ends at false", "xpc.h", "xpc_dictionary_apply",
     "Iteration will only fail if the applier block returns false", dictionaries_apply_until_false},
    {"dictionary getters are strict", "xpc.h", "xpc_dictionary_get_int64",
     "0 if the value for the specified key is not a signed integer value", dictionary_getters_are_strict},
    {"dictionary setters make objects", "xpc.h", "xpc_dictionary_set_int64",
     "may be safely retrieved with {@link xpc_dictionary_get_value()}", dictionary_setters_make_objects},
    {"descriptors of a dictionary", "xpc.h", "xpc_dictionary_dup_fd",
     "You are responsible for close(2)ing this descriptor", dictionary_descriptors},
};

const struct contract_group containers_group = CONTRACT_GROUP("Arrays and dictionaries", cases);
