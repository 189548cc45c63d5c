/* Shared by the two programs. */
#define SERVICE "com.example.echo"
#define KEY_TEXT "text"
#define KEY_COUNT "count"
#define KEY_MEMORY "memory"
#define KEY_QUIT "quit"

/* <xpc/xpc.h> includes libdispatch if it is installed. */
#if defined(__DISPATCH_PUBLIC__) && !defined(WITHOUT_DISPATCH)
#define WITH_DISPATCH
#endif
