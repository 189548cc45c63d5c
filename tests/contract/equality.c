/*
 * equality.c - equality, hashes and copies.
 */
#include "events.h"

static xpc_object_t sample(void) {
    xpc_object_t dictionary = xpc_dictionary_create_empty(), array = xpc_array_create_empty();
    xpc_object_t null = xpc_null_create();
    xpc_array_set_double(array, XPC_ARRAY_APPEND, 0.5);
    xpc_array_set_string(array, XPC_ARRAY_APPEND, "text");
    xpc_array_append_value(array, null);
    xpc_dictionary_set_value(dictionary, "array", array);
    xpc_dictionary_set_data(dictionary, "data", "abc", 3);
    xpc_dictionary_set_int64(dictionary, "number", -1);
    xpc_release(array);
    xpc_release(null);
    return dictionary;
}

static void types_must_agree(void) {
    xpc_object_t one = xpc_int64_create(1), same = xpc_int64_create(1), other = xpc_uint64_create(1);
    xpc_object_t date = xpc_date_create(1);
    CHECK(xpc_equal(one, same));
    CHECK(!xpc_equal(one, other) && !xpc_equal(one, date));
    xpc_release(one);
    xpc_release(same);
    xpc_release(other);
    xpc_release(date);
}

static void arrays_by_value_and_order(void) {
    xpc_object_t numbers[] = {xpc_int64_create(1), xpc_int64_create(2)}, turned[] = {numbers[1], numbers[0]};
    xpc_object_t one = xpc_array_create(numbers, 2), same = xpc_array_create(numbers, 2);
    xpc_object_t other = xpc_array_create(turned, 2), less = xpc_array_create(numbers, 1);
    CHECK(xpc_equal(one, same));
    CHECK(!xpc_equal(one, other) && !xpc_equal(one, less));
    xpc_release(one);
    xpc_release(same);
    xpc_release(other);
    xpc_release(less);
    xpc_release(numbers[0]);
    xpc_release(numbers[1]);
}

static void dictionaries_by_key_and_value(void) {
    xpc_object_t one = sample(), two = sample();
    CHECK(xpc_equal(one, two));
    xpc_dictionary_set_int64(two, "number", 1);
    CHECK(!xpc_equal(one, two));
    xpc_dictionary_set_int64(two, "number", -1);
    CHECK(xpc_equal(one, two));
    xpc_array_set_double(xpc_dictionary_get_array(two, "array"), 0, 1);
    CHECK(!xpc_equal(one, two));
    xpc_array_set_double(xpc_dictionary_get_array(two, "array"), 0, 0.5);
    CHECK(xpc_equal(one, two));
    xpc_dictionary_set_value(two, "number", NULL);
    CHECK(!xpc_equal(one, two));
    xpc_dictionary_set_int64(two, "numbers", -1); /* the same value with another key */
    CHECK(!xpc_equal(one, two));
    xpc_release(one);
    xpc_release(two);
}

static void equal_objects_hash_alike(void) {
    xpc_object_t one = sample(), two = sample(), text = xpc_string_create("a"), same = xpc_string_create("a");
    CHECK(xpc_hash(one) == xpc_hash(two));
    CHECK(xpc_equal(text, same) && xpc_hash(text) == xpc_hash(same));
    xpc_release(one);
    xpc_release(two);
    xpc_release(text);
    xpc_release(same);
}

static void descriptors_by_identity(void) {
    xpc_object_t one = xpc_fd_create(0), other = xpc_fd_create(0);
    CHECK(xpc_equal(one, one) && !xpc_equal(one, other));
    xpc_release(one);
    xpc_release(other);
}

static void collections_of_descriptors(void) {
    xpc_object_t fd = xpc_fd_create(0), other = xpc_fd_create(0);
    xpc_object_t with = xpc_array_create(&fd, 1), same = xpc_array_create(&fd, 1);
    xpc_object_t without = xpc_array_create(&other, 1);
    CHECK(xpc_equal(with, same) && !xpc_equal(with, without));
    xpc_release(with);
    xpc_release(same);
    xpc_release(without);
    xpc_release(fd);
    xpc_release(other);
}

static void errors_are_the_same_everywhere(void) {
    struct pair one = pair_open(), two = pair_open();
    xpc_connection_cancel(one.client);
    xpc_connection_cancel(two.client);
    CHECK(record_get(one.heard, 0) == INVALID && record_get(two.heard, 0) == INVALID);
    CHECK(xpc_get_type(record_get(one.heard, 0)) == XPC_TYPE_ERROR);
    pair_close(&one);
    pair_close(&two);
}

static void copies_are_deep(void) {
    xpc_object_t one = sample(), copy = xpc_copy(one);
    CHECK(xpc_equal(one, copy));
    xpc_array_set_double(xpc_dictionary_get_array(copy, "array"), 0, 1.5);
    xpc_dictionary_set_int64(copy, "new", 1);
    CHECK(copy != one && !xpc_equal(one, copy));
    CHECK(xpc_array_get_double(xpc_dictionary_get_array(one, "array"), 0) == 0.5);
    CHECK(xpc_dictionary_get_value(one, "new") == NULL);
    xpc_release(copy);
    xpc_release(one);
}

static void copies_of_scalars_are_equal(void) {
    xpc_object_t one = xpc_string_create("text"), copy = xpc_copy(one);
    xpc_release(one);
    CHECK_TEXT(xpc_string_get_string_ptr(copy), "text");
    xpc_release(copy);
}

static const struct contract_case cases[] = {
    {"objects of two types are not equal", "xpc.h", "xpc_equal",
     "Two objects must be of the same type in order to be equal", types_must_agree},
    {"arrays are equal by value and order", "xpc.h", "xpc_equal",
     "they must contain the same values at the same indexes", arrays_by_value_and_order},
    {"dictionaries are equal by key and value", "xpc.h", "xpc_equal",
     "they must contain the same values for the same keys", dictionaries_by_key_and_value},
    {"equal objects hash alike", "xpc.h", "xpc_equal",
     "Two objects being equal implies that their hashes (as returned by xpc_hash()) are also equal",
     equal_objects_hash_alike},
    {"two boxes of a descriptor are not equal", "xpc.h", "xpc_fd_create",
     "two file descriptor objects created from the same underlying file descriptor number will not compare equally",
     descriptors_by_identity},
    {"collections of descriptors are equal with the same boxes only", "xpc.h", "xpc_fd_create",
     "cannot be equal unless the exact same object was inserted into both", collections_of_descriptors},
    {"errors are compared by address", "xpc.h", "XPC_TYPE_ERROR",
     "pointer values that are constant across the lifetime of your process", errors_are_the_same_everywhere},
    {"a copy of a collection is deep", "xpc.h", "xpc_copy",
     "When called on an array or dictionary, xpc_copy() will perform a deep copy", copies_are_deep},
    {"a copy outlives the original", "xpc.h", "xpc_copy", "Creates a copy of the object", copies_of_scalars_are_equal},
};

const struct contract_group equality_group = CONTRACT_GROUP("Equality and copies", cases);
