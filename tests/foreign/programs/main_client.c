/*
 * A client of main_service.c: it connects as to the service of a bundle. Under libdispatch it sends
 * data that libdispatch made.
 */
#include <stdio.h>
#include <xpc/xpc.h>

int main(void) {
    xpc_connection_t service = xpc_connection_create("com.example.bundled", NULL);
    xpc_connection_set_event_handler(service, ^(xpc_object_t event) {
        (void)event;
    });
    xpc_connection_resume(service);
    xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
#ifdef WITH_DISPATCH
    dispatch_data_t one = dispatch_data_create("wo", 2, NULL, DISPATCH_DATA_DESTRUCTOR_DEFAULT);
    dispatch_data_t two = dispatch_data_create("rd", 3, NULL, DISPATCH_DATA_DESTRUCTOR_DEFAULT);
    dispatch_data_t whole = dispatch_data_create_concat(one, two);
    xpc_object_t data = xpc_data_create_with_dispatch_data(whole);
    xpc_dictionary_set_string(message, "text", xpc_data_get_bytes_ptr(data));
    xpc_release(data);
    dispatch_release(whole);
    dispatch_release(two);
    dispatch_release(one);
#else
    xpc_dictionary_set_string(message, "text", "word");
#endif
    xpc_object_t reply = xpc_connection_send_message_with_reply_sync(service, message);
    printf("%llu\n", (unsigned long long)xpc_dictionary_get_uint64(reply, "length"));
    xpc_release(reply);
    xpc_release(message);
    xpc_connection_cancel(service);
    xpc_release(service);
    return 0;
}
