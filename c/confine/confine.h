/*
 * confine.h: a launcher that takes rights from itself for good, and then executes a client's program.
 *
 * The kernel enforces this in all threads and children of the program. See docs/confinement.md.
 * The arguments, of which TypeScript writes all (host/spawn/confinement.ts):
 *
 *   read=PATH write=PATH execute=PATH   this file, or all below this folder; it must be there
 *   maybe-read=PATH maybe-write=PATH    the same, if it is there
 *   tcp=PORT                            connect to and listen on this TCP port
 *   net                                 any network
 *   seqpacket                           Unix sockets of type SEQPACKET, which a broker outside of a bootstrap needs
 *   data=BYTES                          the most private memory (RLIMIT_DATA)
 *   --  PROGRAM ARGUMENT...             an absolute path
 *
 * "/" for a path: everything of that kind.
 */
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>
#include <stdint.h>

/* What the arguments say. The paths and ports are read from `arguments` again. */
struct confine_order {
    char **arguments; /* until "--" */
    int count;
    char **program; /* with its arguments; NULL at the end */
    bool any_net, some_tcp, seqpacket;
    bool reads_all, writes_all;
    bool limits_data;
    uint64_t data;
};

/* The value of an argument of this name; NULL: it has another. */
const char *confine_value(const char *argument, const char *name);

/*
 * The version of Landlock that the kernel has. 0: it has none or too little else; then `why_not` says so, a text
 * that lives as long as the process.
 */
int confine_landlock(const char **why_not);

/*
 * Takes away all files and TCP ports but those of the order, and signals to other processes if the kernel can.
 * `program` is open, and may be executed. False: the reason was written to stderr.
 */
bool confine_files(const struct confine_order *order, int landlock, int program);

/* Takes away system calls. False: the reason was written to stderr. */
bool confine_calls(const struct confine_order *order, int landlock);

/* The launcher: returns an exit code if the program could not be executed. */
int confine_main(int count, char **arguments);
/* The same with this version of Landlock, as on a kernel that has no later one. */
int confine_main_as(int landlock, int count, char **arguments);

/* Writes "Cannot confine the client: " and the text to stderr. Returns false. */
bool confine_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
