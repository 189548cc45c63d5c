/*
 * check.h - test programs: a table of named tests, and checks.
 *
 *     static void adds(void) { CHECK(1 + 1 == 2); }
 *     static const struct test tests[] = {{"adds", adds}};
 *     int main(int argc, char **argv) { return RUN_TESTS(tests, NULL, argc, argv); }
 *
 * It prints "ok name", "not ok name" or "ignored name: reason" for each test, and a last line
 * "N passed, N failed, N ignored". The exit status is 1 if any failed. With names as arguments it
 * runs only those. A test that takes longer than TEST_SECONDS ends the program, with a message.
 */
#ifndef CHECK_H
#define CHECK_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "patience.h"

struct test {
    const char *name;
    void (*run)(void);
};

static _Atomic int check_failures;
static const char *check_ignored; /* why this test cannot run here; NULL if it can */

/* Ends the test as ignored, because this machine or the checker lacks something. */
#define IGNORE(reason)                                                                                         \
    do {                                                                                                       \
        check_ignored = (reason);                                                                              \
        return;                                                                                                \
    } while (0)

/* Reports a failure and continues: later checks often show the cause. */
#define CHECK(condition)                                                                                       \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            check_failures++;                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                     \
        }                                                                                                      \
    } while (0)

#define CHECK_TEXT(actual, expected)                                                                           \
    do {                                                                                                       \
        const char *check_actual = (actual);                                                                   \
        if (!check_actual || strcmp(check_actual, (expected)) != 0) {                                          \
            check_failures++;                                                                                  \
            fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #actual,                  \
                    check_actual ? check_actual : "(null)", (expected));                                       \
        }                                                                                                      \
    } while (0)

static inline bool check_wanted(const char *name, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) return true;
    }
    return argc < 2;
}

static char check_too_long[200]; /* the message for when this test does not end */

static inline void check_end(int signal) {
    (void)signal;
    if (write(STDOUT_FILENO, check_too_long, strlen(check_too_long)) < 0) _exit(2);
    _exit(1);
}

/* `settle` runs after each test, to check that nothing is left over; may be NULL. */
static inline int check_run(const struct test *tests, size_t count, void (*settle)(void), int argc, char **argv) {
    int passed = 0, failed = 0, ignored = 0;
    signal(SIGALRM, check_end);
    for (size_t i = 0; i < count; i++) {
        if (!check_wanted(tests[i].name, argc, argv)) continue;
        int before = check_failures;
        check_ignored = NULL;
        snprintf(check_too_long, sizeof check_too_long, "not ok %.100s: it did not end within %d s\n",
                 tests[i].name, TEST_SECONDS);
        alarm(TEST_SECONDS);
        tests[i].run();
        if (settle) settle();
        alarm(0);
        bool ok = check_failures == before;
        if (ok && check_ignored) printf("ignored %s: %s\n", tests[i].name, check_ignored);
        else printf("%s %s\n", ok ? "ok" : "not ok", tests[i].name);
        fflush(stdout);
        if (!ok) failed++;
        else if (check_ignored) ignored++;
        else passed++;
    }
    printf("%d passed, %d failed, %d ignored\n", passed, failed, ignored);
    return failed ? 1 : 0;
}

#define RUN_TESTS(tests, settle, argc, argv)                                                                   \
    check_run((tests), sizeof(tests) / sizeof((tests)[0]), (settle), (argc), (argv))

#endif
