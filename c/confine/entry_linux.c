/*
 * entry_linux.c: makes the shim executable: the library's own file is the launcher of confine.h, so that there is
 * none to be delivered beside it (docs/decisions/086-the-shim-is-its-own-launcher.md).
 *
 * The kernel needs the path of the dynamic loader, and the loader needs the place to begin. The loader initialises the
 * C library first, as for any program. Only the build of the shared library has this file.
 */
#include <unistd.h>

#include "confine.h"

#ifdef __x86_64__
#define LOADER "/lib64/ld-linux-x86-64.so.2"
__asm__(".text\n"
        ".globl slb_confine_entry\n"
        ".hidden slb_confine_entry\n"
        ".type slb_confine_entry, @function\n"
        "slb_confine_entry:\n"
        "  endbr64\n"
        "  xorl %ebp, %ebp\n"
        "  movq %rsp, %rdi\n"
        "  andq $-16, %rsp\n"
        "  call slb_confine_begin\n"
        "  hlt\n");
#elif defined(__aarch64__)
#define LOADER "/lib/ld-linux-aarch64.so.1"
__asm__(".text\n"
        ".globl slb_confine_entry\n"
        ".hidden slb_confine_entry\n"
        ".type slb_confine_entry, %function\n"
        "slb_confine_entry:\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  mov x0, sp\n"
        "  bl slb_confine_begin\n"
        "  brk #0\n");
#else
#error "the shim is for x86_64 and aarch64"
#endif

__attribute__((section(".interp"), used)) static const char loader[] = LOADER;

/* `stack` is what the kernel gives a program: the number of arguments, then these. */
__attribute__((used, visibility("hidden"), noreturn)) void slb_confine_begin(long *stack) {
    __asm__ volatile("" : : "r"(loader)); /* a use of it: a linker leaves out what has none */
    _exit(confine_main((int)stack[0], (char **)(stack + 1)));
}
