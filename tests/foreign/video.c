/*
 * video.c - a frame of the ports "video" in its two forms: fields of a message, and the payload of a record.
 */
#include "numbers.h"
#include "peer.h"

/* ---- A message --------------------------------------------------------------------------- */

bool video_from_message(struct video *video, xpc_object_t message) {
    xpc_object_t fields = xpc_dictionary_get_dictionary(message, "fields");
    xpc_object_t name = fields ? xpc_dictionary_get_dictionary(fields, "pixel_buffer") : NULL;
    if (!name || !is_text(message, "port_name", "video") || !is_text(fields, "pixel_format", "rgba8")) return false;
    *video = (struct video){
        .surface_id = xpc_dictionary_get_uint64(name, "surface_id"),
        .generation = xpc_dictionary_get_uint64(name, "generation"),
        .frame_number = xpc_dictionary_get_uint64(fields, "frame_number"),
        .timestamp_ns = xpc_dictionary_get_int64(fields, "timestamp_ns"),
        .width = (uint32_t)xpc_dictionary_get_uint64(fields, "width"),
        .height = (uint32_t)xpc_dictionary_get_uint64(fields, "height"),
    };
    return true;
}

xpc_object_t video_to_message(const struct video *video, uint64_t frame_id) {
    xpc_object_t name = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_uint64(name, "surface_id", video->surface_id);
    xpc_dictionary_set_uint64(name, "generation", video->generation);
    xpc_object_t fields = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_value(fields, "pixel_buffer", name);
    xpc_release(name);
    xpc_dictionary_set_string(fields, "pixel_format", "rgba8");
    xpc_dictionary_set_uint64(fields, "width", video->width);
    xpc_dictionary_set_uint64(fields, "height", video->height);
    xpc_dictionary_set_int64(fields, "timestamp_ns", video->timestamp_ns);
    xpc_dictionary_set_uint64(fields, "frame_number", video->frame_number);
    xpc_object_t message = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(message, "msg_type", "frame");
    xpc_dictionary_set_uint64(message, "frame_id", frame_id);
    xpc_dictionary_set_string(message, "port_name", "video");
    xpc_dictionary_set_value(message, "fields", fields);
    xpc_release(fields);
    return message;
}

/* ---- A record ---------------------------------------------------------------------------- */

/* Where the fields are: sorted by their names, each at the next multiple of its alignment. */
enum {
    AT_FRAME_NUMBER = 0,  /* UInt64 */
    AT_HEIGHT = 8,        /* UInt32 */
    AT_PIXEL_BUFFER = 12, /* Texture: id, generation, flags */
    AT_PIXEL_FORMAT = 24, /* Enum: the index in bgra8, rgba8, rgba16f, gray8 */
    AT_TIMESTAMP_NS = 32, /* Int64 */
    AT_WIDTH = 40,        /* UInt32 */
    RGBA8_INDEX = 1,
};

bool video_from_payload(struct video *video, const uint8_t *payload, size_t bytes) {
    if (bytes != VIDEO_BYTES) return false;
    uint64_t flags = get_number(payload + AT_PIXEL_BUFFER + 8, 4);
    if (flags != 0 || get_number(payload + AT_PIXEL_FORMAT, 2) != RGBA8_INDEX) return false;
    *video = (struct video){
        .surface_id = get_number(payload + AT_PIXEL_BUFFER, 4),
        .generation = get_number(payload + AT_PIXEL_BUFFER + 4, 4),
        .frame_number = get_number(payload + AT_FRAME_NUMBER, 8),
        .timestamp_ns = (int64_t)get_number(payload + AT_TIMESTAMP_NS, 8),
        .width = (uint32_t)get_number(payload + AT_WIDTH, 4),
        .height = (uint32_t)get_number(payload + AT_HEIGHT, 4),
    };
    return true;
}

void video_to_payload(const struct video *video, uint8_t payload[VIDEO_BYTES]) {
    memset(payload, 0, VIDEO_BYTES);
    put_number(payload + AT_PIXEL_BUFFER, 4, video->surface_id);
    put_number(payload + AT_PIXEL_BUFFER + 4, 4, video->generation);
    put_number(payload + AT_PIXEL_FORMAT, 2, RGBA8_INDEX);
    put_number(payload + AT_FRAME_NUMBER, 8, video->frame_number);
    put_number(payload + AT_TIMESTAMP_NS, 8, (uint64_t)video->timestamp_ns);
    put_number(payload + AT_WIDTH, 4, video->width);
    put_number(payload + AT_HEIGHT, 4, video->height);
}
