/*
 * linux_objects_test.c - values, containers, ownership.
 */
#include <fcntl.h>
#include <math.h>

#include "linux_support.h"

/* Releases what it has checked: an expression's object is not kept. */
static bool is_type(xpc_object_t object, xpc_type_t type) {
    bool same = xpc_get_type(object) == type;
    xpc_release(object);
    return same;
}

static bool describes(xpc_object_t object, const char *expected) {
    char *text = xpc_copy_description(object);
    bool same = text && strcmp(text, expected) == 0;
    if (!same) fprintf(stderr, "the description is %s, not %s\n", text ? text : "(null)", expected);
    free(text);
    xpc_release(object);
    return same;
}

static void has_types(void) {
    uuid_t uuid = {1};
    CHECK(is_type(xpc_null_create(), XPC_TYPE_NULL));
    CHECK(is_type(xpc_bool_create(true), XPC_TYPE_BOOL));
    CHECK(is_type(xpc_int64_create(1), XPC_TYPE_INT64));
    CHECK(is_type(xpc_uint64_create(1), XPC_TYPE_UINT64));
    CHECK(is_type(xpc_double_create(1), XPC_TYPE_DOUBLE));
    CHECK(is_type(xpc_date_create(1), XPC_TYPE_DATE));
    CHECK(is_type(xpc_data_create("a", 1), XPC_TYPE_DATA));
    CHECK(is_type(xpc_string_create("a"), XPC_TYPE_STRING));
    CHECK(is_type(xpc_uuid_create(uuid), XPC_TYPE_UUID));
    CHECK(is_type(xpc_fd_create(0), XPC_TYPE_FD));
    CHECK(is_type(xpc_array_create_empty(), XPC_TYPE_ARRAY));
    CHECK(is_type(xpc_dictionary_create_empty(), XPC_TYPE_DICTIONARY));
    CHECK(is_type(xpc_connection_create(NULL, NULL), XPC_TYPE_CONNECTION));
    CHECK(is_type(INVALID, XPC_TYPE_ERROR));
    CHECK_TEXT(xpc_type_get_name(XPC_TYPE_INT64), "int64");
    CHECK(xpc_get_type(NULL) == NULL);
}

static void keeps_values(void) {
    xpc_object_t object = xpc_int64_create(INT64_MIN);
    CHECK(xpc_int64_get_value(object) == INT64_MIN);
    CHECK(xpc_uint64_get_value(object) == 0); /* getters are strict */
    CHECK(isnan(xpc_double_get_value(object)));
    CHECK(xpc_date_get_value(object) == 0);
    CHECK(!xpc_bool_get_value(object));
    CHECK(xpc_data_get_bytes_ptr(object) == NULL && xpc_data_get_length(object) == 0);
    CHECK(xpc_string_get_string_ptr(object) == NULL && xpc_string_get_length(object) == 0);
    CHECK(xpc_uuid_get_bytes(object) == NULL);
    CHECK(xpc_fd_dup(object) == -1);
    xpc_release(object);

    object = xpc_uint64_create(UINT64_MAX);
    CHECK(xpc_uint64_get_value(object) == UINT64_MAX && xpc_int64_get_value(object) == 0);
    xpc_release(object);
    object = xpc_double_create(-0.5);
    CHECK(xpc_double_get_value(object) == -0.5);
    xpc_release(object);
    object = xpc_date_create_from_current();
    CHECK(xpc_date_get_value(object) > 1600000000ll * 1000000000);
    xpc_release(object);
    CHECK(xpc_bool_get_value(xpc_bool_create(true)) && !xpc_bool_get_value(xpc_bool_create(false)));
    CHECK(xpc_bool_create(true) == (xpc_object_t)XPC_BOOL_TRUE);
}

static void keeps_bytes(void) {
    char buffer[4] = "....";
    xpc_object_t data = xpc_data_create("hello", 5);
    CHECK(xpc_data_get_length(data) == 5);
    CHECK(memcmp(xpc_data_get_bytes_ptr(data), "hello", 5) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, 3, 4) == 2 && memcmp(buffer, "lo..", 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, 1, 2) == 2 && memcmp(buffer, "el..", 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, 5, 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, SIZE_MAX, 4) == 0);
    xpc_release(data);
    data = xpc_data_create(NULL, 0);
    CHECK(xpc_data_get_length(data) == 0);
    xpc_release(data);
    CHECK(xpc_data_create(NULL, 5) == NULL);

    xpc_object_t string = xpc_string_create_with_format("%d and %s", 7, "eight");
    CHECK_TEXT(xpc_string_get_string_ptr(string), "7 and eight");
    CHECK(xpc_string_get_length(string) == 11);
    xpc_release(string);
    uuid_t uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    xpc_object_t object = xpc_uuid_create(uuid);
    CHECK(memcmp(xpc_uuid_get_bytes(object), uuid, 16) == 0);
    xpc_release(object);
}

static void duplicates_descriptors(void) {
    int ends[2];
    char byte;
    CHECK(pipe2(ends, O_CLOEXEC) == 0);
    xpc_object_t object = xpc_fd_create(ends[1]);
    close(ends[1]);
    int first = xpc_fd_dup(object), second = xpc_fd_dup(object);
    CHECK(first >= 0 && second >= 0 && first != second);
    CHECK(fcntl(first, F_GETFD) == FD_CLOEXEC);
    xpc_release(object);
    CHECK(write(first, "a", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'a');
    close(first);
    close(second);
    CHECK(read(ends[0], &byte, 1) == 0); /* no end is left open */
    CHECK(xpc_fd_create(ends[0] + 1000) == NULL);
    close(ends[0]);
}

static void keeps_an_array(void) {
    xpc_object_t array = xpc_array_create_empty(), one = xpc_int64_create(1);
    xpc_array_append_value(array, one);
    xpc_array_set_value(array, XPC_ARRAY_APPEND, one);
    xpc_array_set_string(array, XPC_ARRAY_APPEND, "three");
    xpc_array_set_string(array, 1, "two");
    xpc_array_set_string(array, 3, "out of range");
    xpc_array_set_value(array, 0, NULL);
    CHECK(xpc_array_get_count(array) == 3);
    CHECK(xpc_array_get_value(array, 0) == one);
    CHECK_TEXT(xpc_array_get_string(array, 1), "two");
    CHECK(xpc_array_get_value(array, 3) == NULL);
    for (int64_t i = 3; i < 100; i++) xpc_array_set_int64(array, XPC_ARRAY_APPEND, i);
    for (size_t i = 3; i < 100; i++) CHECK(xpc_array_get_int64(array, i) == (int64_t)i);
    CHECK(xpc_array_get_count(one) == 0 && xpc_array_get_value(one, 0) == NULL);
    xpc_release(one);
    xpc_release(array);

    xpc_object_t members[] = {xpc_null_create(), xpc_bool_create(true)};
    array = xpc_array_create(members, 2);
    CHECK(xpc_array_get_count(array) == 2 && xpc_array_get_bool(array, 1));
    xpc_release(array);
}

static void keeps_a_dictionary(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    char key[20];
    for (int i = 0; i < 200; i++) { /* in no order: 7 is coprime to 200 */
        snprintf(key, sizeof key, "key %d", i * 7 % 200);
        xpc_dictionary_set_int64(dictionary, key, i * 7 % 200);
    }
    CHECK(xpc_dictionary_get_count(dictionary) == 200);
    for (int i = 0; i < 200; i++) {
        snprintf(key, sizeof key, "key %d", i);
        CHECK(xpc_dictionary_get_value(dictionary, key) != NULL);
        CHECK(xpc_dictionary_get_int64(dictionary, key) == i);
    }
    CHECK(xpc_dictionary_get_value(dictionary, "key") == NULL);
    xpc_dictionary_set_string(dictionary, "key 5", "replaced");
    CHECK(xpc_dictionary_get_count(dictionary) == 200);
    CHECK_TEXT(xpc_dictionary_get_string(dictionary, "key 5"), "replaced");
    for (int i = 0; i < 200; i += 2) {
        snprintf(key, sizeof key, "key %d", i);
        xpc_dictionary_set_value(dictionary, key, NULL);
        CHECK(xpc_dictionary_get_value(dictionary, key) == NULL);
    }
    CHECK(xpc_dictionary_get_count(dictionary) == 100);
    xpc_dictionary_set_value(dictionary, "never there", NULL);
    CHECK(xpc_dictionary_get_remote_connection(dictionary) == NULL);
    xpc_release(dictionary);
    const char *keys[] = {"b", "a"};
    xpc_object_t values[] = {xpc_null_create(), xpc_bool_create(true)};
    dictionary = xpc_dictionary_create(keys, values, 2);
    CHECK(xpc_dictionary_get_bool(dictionary, "a"));
    xpc_release(dictionary);
}

/* All typed setters and getters, of a dictionary and of an array. */
static void sets_and_gets_by_type(void) {
    xpc_object_t d = xpc_dictionary_create_empty(), a = xpc_array_create_empty();
    uuid_t uuid = {9};
    size_t length;
    xpc_dictionary_set_bool(d, "bool", true);
    xpc_dictionary_set_int64(d, "int64", -1);
    xpc_dictionary_set_uint64(d, "uint64", 2);
    xpc_dictionary_set_double(d, "double", 0.25);
    xpc_dictionary_set_date(d, "date", 3);
    xpc_dictionary_set_data(d, "data", "xyz", 3);
    xpc_dictionary_set_string(d, "string", "text");
    xpc_dictionary_set_uuid(d, "uuid", uuid);
    xpc_dictionary_set_fd(d, "fd", 0);
    xpc_dictionary_set_value(d, "array", a);
    xpc_array_set_bool(a, XPC_ARRAY_APPEND, true);
    xpc_array_set_int64(a, XPC_ARRAY_APPEND, -1);
    xpc_array_set_uint64(a, XPC_ARRAY_APPEND, 2);
    xpc_array_set_double(a, XPC_ARRAY_APPEND, 0.25);
    xpc_array_set_date(a, XPC_ARRAY_APPEND, 3);
    xpc_array_set_data(a, XPC_ARRAY_APPEND, "xyz", 3);
    xpc_array_set_uuid(a, XPC_ARRAY_APPEND, uuid);
    xpc_array_set_fd(a, XPC_ARRAY_APPEND, 0);
    CHECK(xpc_dictionary_get_bool(d, "bool") && xpc_array_get_bool(a, 0));
    CHECK(xpc_dictionary_get_int64(d, "int64") == -1 && xpc_array_get_int64(a, 1) == -1);
    CHECK(xpc_dictionary_get_uint64(d, "uint64") == 2 && xpc_array_get_uint64(a, 2) == 2);
    CHECK(xpc_dictionary_get_double(d, "double") == 0.25 && xpc_array_get_double(a, 3) == 0.25);
    CHECK(isnan(xpc_dictionary_get_double(d, "nothing")));
    CHECK(xpc_dictionary_get_date(d, "date") == 3 && xpc_array_get_date(a, 4) == 3);
    CHECK(memcmp(xpc_dictionary_get_data(d, "data", &length), "xyz", 3) == 0 && length == 3);
    CHECK(memcmp(xpc_array_get_data(a, 5, &length), "xyz", 3) == 0 && length == 3);
    CHECK(xpc_dictionary_get_data(d, "string", &length) == NULL && length == 0);
    CHECK_TEXT(xpc_dictionary_get_string(d, "string"), "text");
    CHECK(memcmp(xpc_dictionary_get_uuid(d, "uuid"), uuid, 16) == 0);
    CHECK(memcmp(xpc_array_get_uuid(a, 6), uuid, 16) == 0);
    int one = xpc_dictionary_dup_fd(d, "fd"), two = xpc_array_dup_fd(a, 7);
    CHECK(one >= 0 && two >= 0 && xpc_dictionary_dup_fd(d, "bool") == -1);
    close(one);
    close(two);
    CHECK(xpc_dictionary_get_array(d, "array") == a && xpc_dictionary_get_dictionary(d, "array") == NULL);
    xpc_array_set_value(a, 0, xpc_null_create());
    CHECK(xpc_array_get_array(a, 0) == NULL && xpc_array_get_dictionary(a, 0) == NULL);
    xpc_release(d);
    xpc_release(a);
}

static xpc_object_t sample(void) {
    xpc_object_t d = xpc_dictionary_create_empty(), a = xpc_array_create_empty();
    xpc_array_set_double(a, XPC_ARRAY_APPEND, 0.0);
    xpc_array_set_value(a, XPC_ARRAY_APPEND, xpc_null_create());
    xpc_dictionary_set_value(d, "array", a);
    xpc_dictionary_set_string(d, "string", "text");
    xpc_dictionary_set_data(d, "data", "abc", 3);
    xpc_release(a);
    return d;
}

static void compares_by_value(void) {
    xpc_object_t one = sample(), two = sample();
    CHECK(xpc_equal(one, two) && xpc_hash(one) == xpc_hash(two));
    xpc_array_set_double(xpc_dictionary_get_array(two, "array"), 0, -0.0);
    CHECK(xpc_equal(one, two) && xpc_hash(one) == xpc_hash(two));
    xpc_array_set_double(xpc_dictionary_get_array(two, "array"), 0, 1);
    CHECK(!xpc_equal(one, two));
    xpc_object_t copy = xpc_copy(one);
    CHECK(xpc_equal(one, copy) && copy != one);
    xpc_array_set_string(xpc_dictionary_get_array(copy, "array"), 0, "changed"); /* deep: not the original's */
    CHECK(!xpc_equal(one, copy) && xpc_array_get_double(xpc_dictionary_get_array(one, "array"), 0) == 0);
    xpc_release(copy);
    xpc_release(one);
    xpc_release(two);

    xpc_object_t number = xpc_int64_create(1), other = xpc_uint64_create(1);
    CHECK(!xpc_equal(number, other) && !xpc_equal(number, NULL));
    xpc_release(number);
    xpc_release(other);
    one = xpc_fd_create(0);
    two = xpc_copy(one);
    CHECK(!xpc_equal(one, two) && xpc_equal(one, one)); /* descriptors: by identity alone */
    xpc_release(one);
    xpc_release(two);
    xpc_connection_t connection = xpc_connection_create(NULL, NULL);
    CHECK(xpc_copy(connection) == NULL);
    xpc_release(connection);
}

static void describes_itself(void) {
    xpc_object_t d = sample();
    xpc_dictionary_set_string(d, "string", "a\n\x1b\"b");
    CHECK(describes(d, "<dictionary: 3 {\"array\": <array: 2 [<double: 0>, <null>]>, \"data\": <data: 3 bytes>, "
                       "\"string\": <string: \"a\\x0a\\x1b\\x22b\">}>"));
    CHECK(describes(xpc_int64_create(-5), "<int64: -5>"));
    CHECK(describes(xpc_connection_create(NULL, NULL), "<connection: anonymous listener>"));
    CHECK(describes(INTERRUPTED, "<error: Connection interrupted>"));
}

static void errors_are_read_like_dictionaries(void) {
    CHECK_TEXT(xpc_dictionary_get_string(INVALID, XPC_ERROR_KEY_DESCRIPTION), "Connection invalid");
    CHECK_TEXT(xpc_dictionary_get_string(INTERRUPTED, XPC_ERROR_KEY_DESCRIPTION), "Connection interrupted");
    CHECK(xpc_dictionary_get_count((xpc_object_t)XPC_ERROR_TERMINATION_IMMINENT) == 1);
    xpc_dictionary_set_string(INVALID, "key", "value"); /* constants do not change */
    CHECK(xpc_dictionary_get_count(INVALID) == 1);
    CHECK(xpc_dictionary_create_reply(INVALID) == NULL);
    for (int i = 0; i < 5; i++) xpc_release(INVALID);
    CHECK(xpc_retain(INVALID) == INVALID);
}

/* ---- Appliers ------------------------------------------------------------------------- */

struct applier_block {
    void *isa;
    int flags, reserved;
    void *invoke;
    const struct hand_descriptor *descriptor;
    char *text;
};

static bool apply_key(struct applier_block *block, const char *key, xpc_object_t value) {
    (void)value;
    strcat(block->text, key);
    return strcmp(key, "data") != 0;
}

static bool apply_index(struct applier_block *block, size_t index, xpc_object_t value) {
    (void)value;
    strcat(block->text, index ? "1" : "0");
    return true;
}

static bool apply_plain(void *context, const char *key, xpc_object_t value) {
    (void)value;
    strcat(context, key);
    return true;
}

static void applies(void) {
    char text[100] = "";
    xpc_object_t d = sample();
    struct applier_block block = {.invoke = (void *)apply_key, .text = text};
    CHECK(!xpc_dictionary_apply(d, (xpc_dictionary_applier_t)(void *)&block));
    CHECK_TEXT(text, "arraydata");
    *text = 0;
    block.invoke = (void *)apply_index;
    CHECK(xpc_array_apply(xpc_dictionary_get_array(d, "array"), (xpc_array_applier_t)(void *)&block));
    CHECK_TEXT(text, "01");
    *text = 0;
    CHECK(xpc_linux_dictionary_apply_f(d, text, apply_plain));
    CHECK_TEXT(text, "arraydatastring");
    xpc_release(d);
}

static const struct test tests[] = {
    {"has types", has_types},
    {"keeps values", keeps_values},
    {"keeps bytes", keeps_bytes},
    {"duplicates descriptors", duplicates_descriptors},
    {"keeps an array", keeps_an_array},
    {"keeps a dictionary", keeps_a_dictionary},
    {"sets and gets by type", sets_and_gets_by_type},
    {"compares by value", compares_by_value},
    {"describes itself", describes_itself},
    {"errors are read like dictionaries", errors_are_read_like_dictionaries},
    {"applies", applies},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
