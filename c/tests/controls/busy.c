/*
 * busy.c - keeps every core busy that this process may use, until its standard input ends.
 *
 * Prints "ready" when it has begun.
 */
#include "control.h"

int main(void) {
    pid_t children[CPU_SETSIZE];
    size_t count = 0;
    for (size_t core; (core = core_of(count)) != NO_CORE; count++) {
        children[count] = fork_child();
        if (children[count] == 0) {
            pin_to(core);
            for (;;) rest();
        }
    }
    puts("ready");
    fflush(stdout);
    char nothing;
    while (read(STDIN_FILENO, &nothing, 1) > 0) continue;
    while (count > 0) kill(children[--count], SIGKILL);
    return 0;
}
