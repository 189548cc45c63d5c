/*
 * frames.c - the surfaces of both sides, and the frames on the ports "video".
 */
#include "numbers.h"
#include "peer.h"
#include "picture.h" /* surfaces: the only part that differs between systems */

enum { OFFERS_MAX = 256, WIDTH = 37, HEIGHT = 11 };

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

/* Sends the filled surface with the other fields of the frame. */
static void send_frame(struct own *own, struct video video) {
    if (!own->offered) { /* the surface itself is sent once; later frames name it by its id */
        xpc_object_t offer = control("surface_offer");
        xpc_dictionary_set_uint64(offer, "surface_id", own->id);
        xpc_dictionary_set_value(offer, "surface", own->picture.object);
        send_message(offer);
        own->offered = true;
    }
    own->out = true;
    video.surface_id = own->id;
    video.generation = ++own->generation;
    uint64_t frame_id = next_frame_id++;
    if (!lane_send_video(&video, frame_id)) send_message(video_to_message(&video, frame_id));
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
        send_frame(own, (struct video){.frame_number = number,
                                       .timestamp_ns = (int64_t)number * 1000000,
                                       .width = WIDTH,
                                       .height = HEIGHT});
    }
}

/* ---- Receiving --------------------------------------------------------------------------- */

/* The host is done when every frame and every lent surface has come back. */
static void end_when_done(void) {
    if (is_host && count.received == to_send && count.released == to_send) sem_post(&over);
}

void on_piece(uint64_t surface_id, uint64_t generation) {
    for (struct own *own = pool; own < pool + CAPACITY; own++) {
        if (!own->out || own->id != surface_id || own->generation != generation) continue;
        own->out = false;
        count.released++;
    }
}

/* A release has one piece under its own keys, or several packed in "pieces". */
void on_release(xpc_object_t message) {
    size_t length = 0;
    const uint8_t *pieces = xpc_dictionary_get_data(message, "pieces", &length);
    for (size_t at = 0; pieces && at + 16 <= length; at += 16) {
        on_piece(get_number(pieces + at, 8), get_number(pieces + at + 8, 8));
    }
    on_piece(xpc_dictionary_get_uint64(message, "surface_id"), xpc_dictionary_get_uint64(message, "generation"));
    end_when_done();
    if (is_host) host_send();
}

/* Checks, as the host, a frame that came back: in order, with its numbers, inverted. */
static bool is_right(uint64_t number, const struct video *video, const struct picture *picture) {
    bool right = video->frame_number == number && video->timestamp_ns == (int64_t)number * 1000000 &&
                 video->width == WIDTH && video->height == HEIGHT && picture->width == WIDTH &&
                 picture->height == HEIGHT;
    for (uint32_t y = 0; right && y < HEIGHT; y++) {
        const uint8_t *row = picture->pixels + (size_t)y * picture->bytes_per_row;
        for (uint32_t x = 0; x < WIDTH * 4; x++) right = right && row[x] == 255 - pattern(number, x, y);
    }
    return right;
}

/* Sends, as the client, the frame back with inverted pixels. Drops it if all own surfaces are in use. */
static void answer(const struct video *video, const struct picture *picture) {
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
    send_frame(own, *video); /* every field except the picture is sent back unchanged */
}

/* Sends a release, for which the frame's sender waits. */
static void release(uint64_t surface_id, uint64_t generation) {
    if (lane_send_release(surface_id, generation)) return;
    xpc_object_t message = control("release");
    xpc_dictionary_set_uint64(message, "surface_id", surface_id);
    xpc_dictionary_set_uint64(message, "generation", generation);
    send_message(message);
}

void on_video(const struct video *video) {
    struct offered *offer = video->surface_id ? find_offer(video->surface_id) : NULL;
    if (!offer) {
        count.wrong++;
        return;
    }
    if (!is_host) answer(video, &offer->picture);
    else if (!is_right(count.received, video, &offer->picture)) count.wrong++;
    count.received++;
    release(video->surface_id, video->generation);
    end_when_done();
}

void on_frame(xpc_object_t message) {
    struct video video;
    size_t bytes = 0;
    const uint8_t *record = xpc_dictionary_get_data(message, "record", &bytes);
    if (record && lane_is_open()) lane_on_record(record, bytes);
    else if (video_from_message(&video, message)) on_video(&video);
    else count.wrong++;
}

/* The client's only input has ended, and all its frames were answered. */
void on_end(void) {
    count.ends++;
    if (!lane_send_end()) {
        xpc_object_t message = control("end");
        xpc_dictionary_set_string(message, "port_name", "video");
        send_message(message);
    }
    send_message(control("flushed"));
}
