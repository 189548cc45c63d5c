/*
 * values.c - boxed values: getters return what was boxed, and are strict about the type.
 */
#include <math.h>
#include <stdarg.h>
#include <time.h>

#include "events.h"

static const uint8_t sample_uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/* ---- One object of each type ---------------------------------------------------------- */

enum { TYPES = 12 };

struct sample {
    xpc_object_t object;
    xpc_type_t type;
};

static void samples_create(struct sample all[TYPES]) {
    const struct sample samples[TYPES] = {
        {xpc_null_create(), XPC_TYPE_NULL},
        {xpc_bool_create(true), XPC_TYPE_BOOL},
        {xpc_int64_create(-7), XPC_TYPE_INT64},
        {xpc_uint64_create(UINT64_MAX), XPC_TYPE_UINT64},
        {xpc_double_create(7), XPC_TYPE_DOUBLE},
        {xpc_date_create(7), XPC_TYPE_DATE},
        {xpc_data_create("text", 5), XPC_TYPE_DATA},
        {xpc_string_create("text"), XPC_TYPE_STRING},
        {xpc_uuid_create(sample_uuid), XPC_TYPE_UUID},
        {xpc_fd_create(0), XPC_TYPE_FD},
        {xpc_array_create_empty(), XPC_TYPE_ARRAY},
        {xpc_dictionary_create_empty(), XPC_TYPE_DICTIONARY},
    };
    memcpy(all, samples, sizeof samples);
}

static void samples_release(struct sample all[TYPES]) {
    for (size_t i = 0; i < TYPES; i++) xpc_release(all[i].object);
}

/* Checks a condition about `other`, which is an object of each type but one in turn. */
#define CHECK_OTHERS(its_type, condition)                                                                      \
    do {                                                                                                       \
        struct sample all[TYPES];                                                                              \
        samples_create(all);                                                                                   \
        for (size_t i = 0; i < TYPES; i++) {                                                                   \
            xpc_object_t other = all[i].object;                                                                \
            if (all[i].type != (its_type)) CHECK(condition);                                                   \
        }                                                                                                      \
        samples_release(all);                                                                                  \
    } while (0)

/* ---- Cases ---------------------------------------------------------------------------- */

static void keeps_int64(void) {
    static const int64_t values[] = {INT64_MIN, -1, 0, 1, INT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        xpc_object_t object = xpc_int64_create(values[i]);
        CHECK(xpc_int64_get_value(object) == values[i]);
        xpc_release(object);
    }
}

static void int64_of_others(void) {
    xpc_object_t number = xpc_uint64_create(7), text = xpc_string_create("7");
    CHECK(xpc_int64_get_value(number) == 0);
    CHECK(xpc_int64_get_value(text) == 0);
    CHECK_OTHERS(XPC_TYPE_INT64, xpc_int64_get_value(other) == 0);
    xpc_release(number);
    xpc_release(text);
}

static void keeps_uint64(void) {
    xpc_object_t object = xpc_uint64_create(UINT64_MAX);
    CHECK(xpc_uint64_get_value(object) == UINT64_MAX);
    xpc_release(object);
}

static void uint64_of_others(void) {
    xpc_object_t number = xpc_int64_create(7), real = xpc_double_create(7);
    CHECK(xpc_uint64_get_value(number) == 0);
    CHECK(xpc_uint64_get_value(real) == 0);
    CHECK_OTHERS(XPC_TYPE_UINT64, xpc_uint64_get_value(other) == 0);
    xpc_release(number);
    xpc_release(real);
}

static void keeps_double(void) {
    static const double values[] = {-0.1, -0.5, 0, 7e300};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        xpc_object_t object = xpc_double_create(values[i]);
        CHECK(xpc_double_get_value(object) == values[i]);
        xpc_release(object);
    }
}

static void double_of_others(void) {
    xpc_object_t number = xpc_int64_create(7);
    CHECK(isnan(xpc_double_get_value(number)));
    CHECK_OTHERS(XPC_TYPE_DOUBLE, isnan(xpc_double_get_value(other)));
    xpc_release(number);
}

static void bools_are_constants(void) {
    xpc_object_t yes = xpc_bool_create(true), no = xpc_bool_create(false);
    CHECK(yes == (xpc_object_t)XPC_BOOL_TRUE && no == (xpc_object_t)XPC_BOOL_FALSE);
    CHECK(xpc_bool_get_value(yes) && !xpc_bool_get_value(no));
    xpc_release(yes);
    xpc_release(no);
}

static void bool_of_others(void) {
    xpc_object_t number = xpc_int64_create(1);
    CHECK(!xpc_bool_get_value(number));
    CHECK_OTHERS(XPC_TYPE_BOOL, !xpc_bool_get_value(other));
    xpc_release(number);
}

static void dates_before_the_epoch(void) {
    xpc_object_t object = xpc_date_create(-1500000000);
    CHECK(xpc_date_get_value(object) == -1500000000);
    xpc_release(object);
}

static void date_of_others(void) {
    xpc_object_t number = xpc_int64_create(7);
    CHECK(xpc_date_get_value(number) == 0);
    CHECK_OTHERS(XPC_TYPE_DATE, xpc_date_get_value(other) == 0);
    xpc_release(number);
}

/* In nanoseconds. Not by time(), which may be behind by some milliseconds. */
static int64_t now(void) {
    struct timespec it;
    clock_gettime(CLOCK_REALTIME, &it);
    return (int64_t)it.tv_sec * 1000000000 + it.tv_nsec;
}

static void date_of_now(void) {
    int64_t second = 1000000000, before = now();
    xpc_object_t object = xpc_date_create_from_current();
    int64_t value = xpc_date_get_value(object), after = now();
    CHECK(value >= before - second && value <= after + second);
    xpc_release(object);
}

static void data_is_copied(void) {
    char bytes[] = "hello";
    xpc_object_t data = xpc_data_create(bytes, 5);
    memset(bytes, 'x', 5);
    CHECK(xpc_data_get_length(data) == 5);
    CHECK(memcmp(xpc_data_get_bytes_ptr(data), "hello", 5) == 0);
    xpc_release(data);
}

static void data_may_be_empty(void) {
    xpc_object_t data = xpc_data_create(NULL, 0);
    CHECK(data != NULL && xpc_data_get_length(data) == 0);
    xpc_release(data);
}

static void data_of_others(void) {
    xpc_object_t text = xpc_string_create("text");
    char buffer[4];
    CHECK(xpc_data_get_length(text) == 0);
    CHECK(xpc_data_get_bytes_ptr(text) == NULL);
    CHECK(xpc_data_get_bytes(text, buffer, 0, sizeof buffer) == 0);
    CHECK_OTHERS(XPC_TYPE_DATA, xpc_data_get_bytes_ptr(other) == NULL && xpc_data_get_length(other) == 0);
    xpc_release(text);
}

static void data_is_read_in_parts(void) {
    char buffer[] = "....";
    xpc_object_t data = xpc_data_create("hello", 5);
    CHECK(xpc_data_get_bytes(data, buffer, 3, 4) == 2 && memcmp(buffer, "lo..", 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, 0, 3) == 3 && memcmp(buffer, "hel.", 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, 1, 2) == 2 && memcmp(buffer, "ell.", 4) == 0);
    xpc_release(data);
}

static void data_is_not_read_beyond_its_end(void) {
    char buffer[] = "....";
    xpc_object_t data = xpc_data_create("hello", 5);
    CHECK(xpc_data_get_bytes(data, buffer, 5, 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, 6, 4) == 0);
    CHECK(xpc_data_get_bytes(data, buffer, SIZE_MAX, 4) == 0 && memcmp(buffer, "....", 4) == 0);
    xpc_release(data);
}

static void keeps_strings(void) {
    char text[] = "gr\xc3\xbc\xc3\x9f";
    xpc_object_t string = xpc_string_create(text);
    text[0] = 'x';
    CHECK_TEXT(xpc_string_get_string_ptr(string), "gr\xc3\xbc\xc3\x9f");
    CHECK(xpc_string_get_length(string) == 6);
    xpc_release(string);
}

static void formats_strings(void) {
    xpc_object_t string = xpc_string_create_with_format("%d and %s", 7, "eight");
    CHECK_TEXT(xpc_string_get_string_ptr(string), "7 and eight");
    CHECK(xpc_string_get_length(string) == 11);
    xpc_release(string);
}

static __attribute__((format(printf, 1, 2))) xpc_object_t format(const char *text, ...) {
    va_list arguments;
    va_start(arguments, text);
    xpc_object_t string = xpc_string_create_with_format_and_arguments(text, arguments);
    va_end(arguments);
    return string;
}

static void formats_strings_of_a_list(void) {
    xpc_object_t string = format("%s%c", "ab", 'c');
    CHECK_TEXT(xpc_string_get_string_ptr(string), "abc");
    xpc_release(string);
}

static void string_of_others(void) {
    xpc_object_t data = xpc_data_create("text", 5);
    CHECK(xpc_string_get_string_ptr(data) == NULL);
    CHECK(xpc_string_get_length(data) == 0);
    CHECK_OTHERS(XPC_TYPE_STRING, xpc_string_get_string_ptr(other) == NULL && xpc_string_get_length(other) == 0);
    xpc_release(data);
}

static void keeps_uuids(void) {
    xpc_object_t uuid = xpc_uuid_create(sample_uuid);
    CHECK(memcmp(xpc_uuid_get_bytes(uuid), sample_uuid, 16) == 0);
    xpc_release(uuid);
}

static void uuid_of_others(void) {
    xpc_object_t data = xpc_data_create(sample_uuid, 16);
    CHECK(xpc_uuid_get_bytes(data) == NULL);
    CHECK_OTHERS(XPC_TYPE_UUID, xpc_uuid_get_bytes(other) == NULL);
    xpc_release(data);
}

static void has_types(void) {
    struct sample all[TYPES];
    samples_create(all);
    for (size_t i = 0; i < TYPES; i++) {
        for (size_t j = 0; j < TYPES; j++) CHECK((xpc_get_type(all[i].object) == all[j].type) == (i == j));
    }
    samples_release(all);
    struct pair pair = pair_open();
    CHECK(xpc_get_type(pair.listener) == XPC_TYPE_CONNECTION && xpc_get_type(pair.client) == XPC_TYPE_CONNECTION);
    pair_close(&pair);
}

static void types_have_names(void) {
    CHECK_TEXT(xpc_type_get_name(XPC_TYPE_STRING), "string");
    CHECK_TEXT(xpc_type_get_name(XPC_TYPE_INT64), "int64");
}

static void describes_itself(void) {
    xpc_object_t message = message_of(7);
    char *text = xpc_copy_description(message);
    CHECK(text != NULL && *text);
    free(text);
    xpc_release(message);
}

static void errors_describe_themselves(void) {
    static const xpc_object_t all[] = {(xpc_object_t)XPC_ERROR_CONNECTION_INTERRUPTED,
                                       (xpc_object_t)XPC_ERROR_CONNECTION_INVALID,
                                       (xpc_object_t)XPC_ERROR_TERMINATION_IMMINENT};
    for (size_t i = 0; i < 3; i++) {
        const char *text = xpc_dictionary_get_string(all[i], XPC_ERROR_KEY_DESCRIPTION);
        CHECK(xpc_get_type(all[i]) == XPC_TYPE_ERROR);
        CHECK(text != NULL && *text);
    }
}

static const struct contract_case cases[] = {
    {"an int64 keeps its value", "xpc.h", "xpc_int64_get_value", "The underlying signed 64-bit value",
     keeps_int64},
    {"the int64 of a uint64 is 0", "xpc.h", "xpc_int64_get_value",
     "0 if the given object was not an XPC integer object", int64_of_others},
    {"a uint64 keeps its value", "xpc.h", "xpc_uint64_get_value",
     "the underlying unsigned 64-bit integer value", keeps_uint64},
    {"the uint64 of an int64 is 0", "xpc.h", "xpc_uint64_get_value",
     "0 if the given object was not an XPC unsigned integer object", uint64_of_others},
    {"a double keeps its value", "xpc.h", "xpc_double_get_value",
     "the underlying double-precision floating point value", keeps_double},
    {"the double of an int64 is NaN", "xpc.h", "xpc_double_get_value",
     "NAN if the given object was not an XPC floating point object", double_of_others},
    {"booleans are two constants", "xpc.h", "XPC_BOOL_TRUE",
     "You may compare a Boolean object against this constant to determine its value", bools_are_constants},
    {"the boolean of an int64 is false", "xpc.h", "xpc_bool_get_value",
     "false if the given object was not an XPC Boolean object", bool_of_others},
    {"a date before 1970", "xpc.h", "xpc_date_create",
     "Negative values indicate the number of nanoseconds before the epoch", dates_before_the_epoch},
    {"the date of an int64 is 0", "xpc.h", "xpc_date_get_value",
     "0 if the given object was not an XPC date object", date_of_others},
    {"the current date", "xpc.h", "xpc_date_create_from_current",
     "A new date object representing the current date", date_of_now},
    {"data is copied", "xpc.h", "xpc_data_create", "copy the buffer given into internal storage", data_is_copied},
    {"data may be empty", "xpc.h", "xpc_data_create", "passing NULL for this parameter and 0 for the length",
     data_may_be_empty},
    {"the data of a string is NULL", "xpc.h", "xpc_data_get_bytes_ptr",
     "NULL if the given object was not an XPC data object", data_of_others},
    {"data is read in parts", "xpc.h", "xpc_data_get_bytes",
     "The number of bytes that were copied into the buffer", data_is_read_in_parts},
    {"data is not read beyond its end", "xpc.h", "xpc_data_get_bytes",
     "If this offset is greater than the length of the data element, nothing is copied",
     data_is_not_read_beyond_its_end},
    {"a string keeps its value", "xpc.h", "xpc_string_get_length",
     "The length of the underlying string, not including the NUL-terminator", keeps_strings},
    {"a string from a format", "xpc.h", "xpc_string_create_with_format",
     "generated from the given format string and arguments", formats_strings},
    {"a string from a format and a list", "xpc.h", "xpc_string_create_with_format_and_arguments",
     "generated from the given format string and argument list pointer", formats_strings_of_a_list},
    {"the string of data is NULL", "xpc.h", "xpc_string_get_string_ptr",
     "NULL if the given object was not an XPC string object", string_of_others},
    {"a UUID keeps its value", "xpc.h", "xpc_uuid_get_bytes",
     "a pointer to the the boxed UUID bytes in an XPC UUID object", keeps_uuids},
    {"the UUID of data is NULL", "xpc.h", "xpc_uuid_get_bytes",
     "NULL if the given object was not an XPC UUID object", uuid_of_others},
    {"each object has its type", "xpc.h", "xpc_get_type",
     "direct comparison to exported type constants with the equality operator", has_types},
    {"types have names", "xpc.h", "xpc_type_get_name", "like \"string\" or \"int64\"", types_have_names},
    {"the caller frees a description", "xpc.h", "xpc_copy_description",
     "This string should be disposed of with free(3) when done", describes_itself},
    {"errors have their own type and a description", "xpc.h", "XPC_ERROR_KEY_DESCRIPTION",
     "a string object that describes the error in a human-readable way", errors_describe_themselves},
};

const struct contract_group values_group = CONTRACT_GROUP("Values", cases);
