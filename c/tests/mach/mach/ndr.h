/* mach/ndr.h - see mach.h. */
#include <mach/mach.h>
