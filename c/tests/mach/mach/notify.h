/* mach/notify.h - see mach.h. */
#include <mach/mach.h>
