/* Tests whether a program with blocks links here, and with libdispatch. */
#ifdef WITH_DISPATCH
#include <dispatch/dispatch.h>
#endif

extern void *_Block_copy(const void *block);

int main(int count, char **arguments) {
    (void)arguments;
    int (^block)(void) = ^{ return count; };
#ifdef WITH_DISPATCH
    dispatch_sync(dispatch_get_global_queue(0, 0), ^{ (void)block; });
#endif
    return _Block_copy((const void *)block) == 0;
}
