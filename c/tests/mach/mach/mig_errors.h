/* mach/mig_errors.h - see mach.h. */
#include <mach/mach.h>
