/*
 * linux_objects_test.c - what Apple's headers leave open about objects: misuse, descriptions,
 * error texts. What they say about values, containers and ownership is tested in tests/contract.
 */
#include <errno.h>
#include <fcntl.h>

#include "linux_support.h"

static bool describes(xpc_object_t object, const char *expected) {
    char *text = xpc_copy_description(object);
    bool same = text && strcmp(text, expected) == 0;
    if (!same) fprintf(stderr, "the description is %s, not %s\n", text ? text : "(null)", expected);
    free(text);
    xpc_release(object);
    return same;
}

static void duplicates_are_close_on_exec(void) {
    xpc_object_t object = xpc_fd_create(0);
    int fd = xpc_fd_dup(object);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    close(fd);
    xpc_release(object);
}

/* Apple's functions trap on these; see <xpc/xpc.h>. What ends the process here too is in linux_misuse_test.c. */
static void does_nothing_on_misuse(void) {
    size_t length = 9;
    CHECK(xpc_get_type(NULL) == NULL);
    CHECK(xpc_data_create(NULL, 5) == NULL);
    xpc_object_t array = xpc_array_create_empty(), one = xpc_int64_create(1);
    CHECK(!xpc_equal(one, NULL));
    xpc_array_set_value(array, XPC_ARRAY_APPEND, one);
    xpc_array_set_value(array, 0, NULL);
    CHECK(xpc_array_get_count(array) == 1 && xpc_array_get_value(array, 0) == one);
    xpc_object_t dictionary = xpc_dictionary_create_empty();
    xpc_dictionary_set_string(dictionary, "string", "text");
    CHECK(xpc_dictionary_get_data(dictionary, "string", &length) == NULL && length == 0);
    xpc_release(dictionary);
    xpc_release(one);
    xpc_release(array);
    xpc_connection_t connection = xpc_connection_create(NULL, NULL);
    CHECK(xpc_get_type(connection) == XPC_TYPE_CONNECTION && xpc_copy(connection) == NULL);
    discard(connection);
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

static void zeros_of_both_signs_are_equal(void) {
    xpc_object_t one = sample(), two = sample();
    xpc_array_set_double(xpc_dictionary_get_array(two, "array"), 0, -0.0);
    CHECK(xpc_equal(one, two) && xpc_hash(one) == xpc_hash(two));
    xpc_release(one);
    xpc_release(two);
}

static void a_copy_of_a_descriptor_is_another(void) {
    xpc_object_t one = xpc_fd_create(0), copy = xpc_copy(one);
    CHECK(copy != NULL && !xpc_equal(one, copy));
    xpc_release(one);
    xpc_release(copy);
}

static void describes_itself(void) {
    xpc_object_t d = sample();
    xpc_dictionary_set_string(d, "string", "a\n\x1b\"b");
    CHECK(describes(d, "<dictionary: 3 {\"array\": <array: 2 [<double: 0>, <null>]>, \"data\": <data: 3 bytes>, "
                       "\"string\": <string: \"a\\x0a\\x1b\\x22b\">}>"));
    CHECK(describes(xpc_int64_create(-5), "<int64: -5>"));
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    CHECK(describes(xpc_retain(listener), "<connection: anonymous listener>"));
    discard(listener);
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

/* Linux cannot check a code signature, so it must not say that one was accepted. */
static void refuses_a_requirement_on_the_peer(void) {
    xpc_connection_t listener = xpc_connection_create(NULL, NULL);
    CHECK(xpc_connection_set_peer_code_signing_requirement(listener, "anchor apple") == ENOTSUP);
    discard(listener);
}

static const struct test tests[] = {
    {"duplicates are close-on-exec", duplicates_are_close_on_exec},
    {"does nothing on misuse", does_nothing_on_misuse},
    {"zeros of both signs are equal", zeros_of_both_signs_are_equal},
    {"a copy of a descriptor is another", a_copy_of_a_descriptor_is_another},
    {"describes itself", describes_itself},
    {"errors are read like dictionaries", errors_are_read_like_dictionaries},
    {"applies", applies},
    {"refuses a requirement on the peer", refuses_a_requirement_on_the_peer},
};

int main(int argc, char **argv) {
    prepare();
    return RUN_TESTS(tests, settle, argc, argv);
}
