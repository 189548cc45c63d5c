/*
 * in_bootstrap.h - on Linux: starts the other processes of a case in a bootstrap (c/bootstrap) instead of the directory
 * of services, if the environment has CONTRACT_BOOTSTRAP. See launcher.c, which does the rest.
 */
#ifndef CONTRACT_IN_BOOTSTRAP_H
#define CONTRACT_IN_BOOTSTRAP_H

#include <stdbool.h>

bool bootstrap_begin(const char *program, int count);
void bootstrap_end(void);

#endif
