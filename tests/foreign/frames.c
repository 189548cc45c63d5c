/*
 * frames.c - the surfaces of both sides, and the frames on the ports "video".
 */
#include "peer.h"
#include "picture.h" /* surfaces: the only part that differs between systems */

enum { CAPACITY = 4, OFFERS_MAX = 256, WIDTH = 37, HEIGHT = 11 };

struct own { /* a surface that this side sends */
    struct picture picture;
    uint64_t id, generation;
    bool made, offered, out;
};
struct offered { /* a surface of the other side; its ids begin at 1 */
    uint64_t id;
    struct picture picture;
};

static struct own pool[CAPACITY];
static struct offered offers[OFFERS_MAX];
static uint64_t next_surface_id = 1, next_frame_id = 1;

/* ---- Surfaces ---------------------------------------------------------------------------- */

static struct offered *find_offer(uint64_t id) {
    for (int i = 0; i < OFFERS_MAX; i++) {
        if (offers[i].id == id) return &offers[i];
    }
    return NULL;
}

void on_surface_offer(xpc_object_t message) {
    struct offered *offer = find_offer(0);
    xpc_object_t surface = xpc_dictionary_get_value(message, "surface");
    if (!offer || !surface || !picture_open(&offer->picture, surface)) die("a surface was offered in vain");
    offer->id = xpc_dictionary_get_uint64(message, "surface_id");
    count.offers++;
}

void on_surface_retire(xpc_object_t message) {
    struct offered *offer = find_offer(xpc_dictionary_get_uint64(message, "surface_id"));
    if (!offer) die("a surface was retired that was never offered");
    picture_free(&offer->picture);
    offer->id = 0;
    count.retired++;
}

/* Returns an own surface of this size that is not in use; NULL if all are. */
static struct own *take_own(uint32_t width, uint32_t height) {
    struct own *own = pool;
    while (own->out) {
        if (++own == pool + CAPACITY) return NULL;
    }
    if (own->made && (own->picture.width != width || own->picture.height != height)) {
        xpc_object_t message = control("surface_retire");
        xpc_dictionary_set_uint64(message, "surface_id", own->id);
        send_message(message);
        picture_free(&own->picture);
        own->made = false;
    }
    if (!own->made) {
        *own = (struct own){.made = true, .id = next_surface_id++};
        if (!picture_make(&own->picture, width, height)) die("cannot make a surface");
    }
    return own;
}

/* ---- Sending ----------------------------------------------------------------------------- */

/* Sends the filled surface with the other fields of the frame, which it releases. */
static void send_frame(struct own *own, xpc_object_t fields) {
    if (!own->offered) { /* the surface itself is sent once; later frames name it by its id */
        xpc_object_t offer = control("surface_offer");
        xpc_dictionary_set_uint64(offer, "surface_id", own->id);
        xpc_dictionary_set_value(offer, "surface", own->picture.object);
        send_message(offer);
        own->offered = true;
    }
    own->out = true;
    xpc_object_t name = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_uint64(name, "surface_id", own->id);
    xpc_dictionary_set_uint64(name, "generation", ++own->generation);
    xpc_dictionary_set_value(fields, "pixel_buffer", name);
    xpc_release(name);
    xpc_object_t frame = xpc_dictionary_create(NULL, NULL, 0);
    xpc_dictionary_set_string(frame, "msg_type", "frame");
    xpc_dictionary_set_uint64(frame, "frame_id", next_frame_id++);
    xpc_dictionary_set_string(frame, "port_name", "video");
    xpc_dictionary_set_value(frame, "fields", fields);
    xpc_release(fields);
    send_message(frame);
    count.sent++;
}

static uint8_t pattern(uint64_t number, uint32_t x, uint32_t y) { return (uint8_t)(number * 7 + x * 3 + y * 5); }

void host_send(void) {
    struct own *own;
    while (started && count.sent < to_send && (own = take_own(WIDTH, HEIGHT))) {
        uint64_t number = count.sent;
        for (uint32_t y = 0; y < HEIGHT; y++) {
            uint8_t *row = own->picture.pixels + (size_t)y * own->picture.bytes_per_row;
            for (uint32_t x = 0; x < WIDTH * 4; x++) row[x] = pattern(number, x, y);
        }
        xpc_object_t fields = xpc_dictionary_create(NULL, NULL, 0);
        xpc_dictionary_set_string(fields, "pixel_format", "rgba8");
        xpc_dictionary_set_uint64(fields, "width", WIDTH);
        xpc_dictionary_set_uint64(fields, "height", HEIGHT);
        xpc_dictionary_set_int64(fields, "timestamp_ns", (int64_t)number * 1000000);
        xpc_dictionary_set_uint64(fields, "frame_number", number);
        send_frame(own, fields);
    }
}

/* ---- Receiving --------------------------------------------------------------------------- */

/* The host is done when every frame and every lent surface has come back. */
static void end_when_done(void) {
    if (is_host && count.received == to_send && count.released == to_send) sem_post(&over);
}

static void released(uint64_t id, uint64_t generation) {
    for (struct own *own = pool; own < pool + CAPACITY; own++) {
        if (!own->out || own->id != id || own->generation != generation) continue;
        own->out = false;
        count.released++;
    }
}

static uint64_t little_endian(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = 8; i-- > 0;) value = value << 8 | bytes[i];
    return value;
}

/* A release has one piece under its own keys, or several packed in "pieces". */
void on_release(xpc_object_t message) {
    size_t length = 0;
    const uint8_t *pieces = xpc_dictionary_get_data(message, "pieces", &length);
    for (size_t at = 0; pieces && at + 16 <= length; at += 16) {
        released(little_endian(pieces + at), little_endian(pieces + at + 8));
    }
    released(xpc_dictionary_get_uint64(message, "surface_id"), xpc_dictionary_get_uint64(message, "generation"));
    end_when_done();
    if (is_host) host_send();
}

/* Checks, as the host, a frame that came back: in order, with its numbers, inverted. */
static bool is_right(uint64_t number, xpc_object_t fields, const struct picture *picture) {
    bool right = xpc_dictionary_get_uint64(fields, "frame_number") == number &&
                 xpc_dictionary_get_int64(fields, "timestamp_ns") == (int64_t)number * 1000000 &&
                 xpc_dictionary_get_uint64(fields, "width") == WIDTH &&
                 xpc_dictionary_get_uint64(fields, "height") == HEIGHT && is_text(fields, "pixel_format", "rgba8") &&
                 picture->width == WIDTH && picture->height == HEIGHT;
    for (uint32_t y = 0; right && y < HEIGHT; y++) {
        const uint8_t *row = picture->pixels + (size_t)y * picture->bytes_per_row;
        for (uint32_t x = 0; x < WIDTH * 4; x++) right = right && row[x] == 255 - pattern(number, x, y);
    }
    return right;
}

/* Sends, as the client, the frame back with inverted pixels. Drops it if all own surfaces are in use. */
static void answer(xpc_object_t fields, const struct picture *picture) {
    struct own *own = take_own(picture->width, picture->height);
    if (!own) {
        count.dropped++;
        return;
    }
    for (uint32_t y = 0; y < picture->height; y++) {
        const uint8_t *from = picture->pixels + (size_t)y * picture->bytes_per_row;
        uint8_t *to = own->picture.pixels + (size_t)y * own->picture.bytes_per_row;
        for (uint32_t x = 0; x < picture->width * 4; x++) to[x] = (uint8_t)(255 - from[x]);
    }
    send_frame(own, xpc_copy(fields)); /* every field except the picture is sent back unchanged */
}

void on_frame(xpc_object_t message) {
    xpc_object_t fields = xpc_dictionary_get_dictionary(message, "fields");
    xpc_object_t name = fields ? xpc_dictionary_get_dictionary(fields, "pixel_buffer") : NULL;
    uint64_t id = name ? xpc_dictionary_get_uint64(name, "surface_id") : 0;
    struct offered *offer = id ? find_offer(id) : NULL;
    if (!offer || !is_text(message, "port_name", "video")) {
        count.wrong++;
        return;
    }
    if (!is_host) answer(fields, &offer->picture);
    else if (!is_right(count.received, fields, &offer->picture)) count.wrong++;
    count.received++;
    xpc_object_t release = control("release"); /* its sender waits for it */
    xpc_dictionary_set_uint64(release, "surface_id", id);
    xpc_dictionary_set_uint64(release, "generation", xpc_dictionary_get_uint64(name, "generation"));
    send_message(release);
    end_when_done();
}
