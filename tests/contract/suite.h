/*
 * suite.h - the conformance suite: cases, each of which exercises one documented sentence.
 *
 * One program, written against <xpc/xpc.h> alone. Over our libxpc (Linux) and over Apple's
 * (macOS) it is the same source; run.ts compiles it, runs each case in a process of its own,
 * and makes the table docs/conformance.md of what they say.
 *
 *     suite --list           every case, one line of JSON each
 *     suite --case NAME      runs it; prints {"case", "result", "detail"}
 *     suite --serve NAME     is the other process, see other.h
 */
#ifndef CONTRACT_SUITE_H
#define CONTRACT_SUITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As a case's header: the sentence is of our <xpc/connection.h>; Apple's do not say it. */
#define OURS "ours"

struct contract_case {
    const char *name;
    const char *header;   /* Apple's, in <xpc/>: where the sentence is */
    const char *symbol;   /* in whose documentation it is */
    const char *sentence; /* a clause of it, word for word */
    void (*run)(void);    /* NULL: it cannot be exercised on Linux, `differs` says why */
    const char *differs;  /* what is otherwise on Linux: there the checks must fail */
    int others;           /* how many other processes it needs */
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
    deaths_group, endpoints_group;

/* Says what did not hold, and goes on: what follows often tells why. */
#define CHECK(condition) ((condition) ? (void)0 : contract_fail(__FILE__, __LINE__, #condition))
#define CHECK_TEXT(actual, expected) contract_check_text(__FILE__, __LINE__, (actual), (expected))

void contract_fail(const char *file, int line, const char *what);
void contract_check_text(const char *file, int line, const char *actual, const char *expected);

#endif
