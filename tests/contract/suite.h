/*
 * suite.h - the conformance suite. Each case exercises one sentence of the documentation.
 *
 * It is one program that uses only <xpc/xpc.h>, with the same source for our libxpc (Linux) and
 * for Apple's (macOS). run.ts compiles it, runs each case in its own process, and writes the
 * results to docs/conformance.md.
 *
 *     suite --list           prints every case, one line of JSON each
 *     suite --case NAME      runs a case; prints {"case", "result", "detail"}
 *     suite --serve NAME     serves as another process, see other.h
 *     suite --misuse NAME    does what the case of that name is about, and must not survive it
 */
#ifndef CONTRACT_SUITE_H
#define CONTRACT_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As a case's header: the sentence is in our headers, not in Apple's. */
#define OURS "ours"

struct contract_case {
    const char *name;
    const char *header;   /* Apple's header in <xpc/> that has the sentence */
    const char *symbol;   /* the symbol that the sentence documents */
    const char *sentence; /* a part of the sentence, word for word */
    void (*run)(void);    /* NULL: it cannot run on Linux, for the reason in `differs` */
    const char *differs;  /* how Linux differs; if set, the checks must fail there */
    int others;           /* the number of other processes that it needs */
    const char *ends_in;  /* `run` must end its process, in this function */
};

struct contract_group {
    const char *name;
    const struct contract_case *cases;
    size_t count;
};

#define CONTRACT_GROUP(its_name, its_cases)                                                                    \
    {.name = (its_name), .cases = (its_cases), .count = sizeof(its_cases) / sizeof((its_cases)[0])}

extern const struct contract_group values_group, equality_group, containers_group, ownership_group, memory_group,
    activation_group, handlers_group, messages_group, replies_group, barriers_group, life_group, ends_group,
    deaths_group, endpoints_group, misuse_group;

/* Reports a failure and continues: later checks often show the cause. */
#define CHECK(condition) ((condition) ? (void)0 : contract_fail(__FILE__, __LINE__, #condition))
#define CHECK_TEXT(actual, expected) contract_check_text(__FILE__, __LINE__, (actual), (expected))

/* Says which of two allowed behaviours a case has seen: "passed: NOTE" in the table. */
void contract_note(const char *note);
void contract_fail(const char *file, int line, const char *what);
void contract_check_text(const char *file, int line, const char *actual, const char *expected);

#endif
