/*
 * peer.h - shared by the parts of the peer: peer.c, the handshake; frames.c, surfaces and frames; video.c, the two
 * forms of a frame; lane.c, the records in shared memory; faults.c.
 *
 * All functions are called for one connection, the channel, one at a time: by its handler and, with a lane, by the
 * thread that waits for records.
 */
#ifndef PEER_H
#define PEER_H

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xpc/xpc.h>

extern bool is_host;
extern uint64_t to_send; /* frames that the host sends */
extern bool started;     /* frames may be sent */
extern const char *fault; /* how it fails; "" if it does not */
extern sem_t over;       /* the host has its results, or the channel has ended */

struct counts {
    unsigned sent, received, wrong, dropped, released, offers, retired, refused;
    unsigned records, ends; /* of the received frames those that were in a lane's ring; ends of a port */
};
extern struct counts count;

enum { CAPACITY = 4 }; /* of the ports "video" */

/* A frame of the ports "video", but for its picture: VideoFrame in its base form. Its pixel format is rgba8. */
struct video {
    uint64_t surface_id, generation;
    uint64_t frame_number;
    int64_t timestamp_ns;
    uint32_t width, height;
};

void die(const char *why);

/* Whether the string under `key` is `expected`; a missing one counts as "". */
bool is_text(xpc_object_t message, const char *key, const char *expected);

/* Returns a control message, to be filled. */
xpc_object_t control(const char *type);

/* Sends a message to the other side, and releases it. */
void send_message(xpc_object_t message);

/* Sends a control message of this type with a payload of three bytes. */
void send_payload(const char *type, const char bytes[3]);

/* faults.c: fails as `fault` says, as a client that got a ping. Whether it did. */
bool fail_after_ping(void);

/* faults.c: fails as `fault` says, when the client has started. Blocks the handler of the channel. */
void fail_after_start(void);

/* frames.c: handles what was received. */
void on_surface_offer(xpc_object_t message);
void on_surface_retire(xpc_object_t message);
void on_release(xpc_object_t message);
void on_frame(xpc_object_t message);
void on_video(const struct video *video);
void on_piece(uint64_t surface_id, uint64_t generation);
void on_end(void);

/* frames.c: sends, as the host, as many frames as it has free surfaces. */
void host_send(void);

/* video.c: a frame in a message. A false result: the message has no frame of the port. */
bool video_from_message(struct video *video, xpc_object_t message);
xpc_object_t video_to_message(const struct video *video, uint64_t frame_id);

/* video.c: a frame in a lane. `bytes` is the size of the payload. */
enum { VIDEO_BYTES = 44 };
bool video_from_payload(struct video *video, const uint8_t *payload, size_t bytes);
void video_to_payload(const struct video *video, uint8_t payload[VIDEO_BYTES]);

/* peer.c: whether a message's list of features has this one. */
bool has_feature(xpc_object_t message, const char *feature);

/* lane.c: whether the fault is "full_lane". */
bool lane_acts_full(void);

/* lane.c: uses the lane that a ping offers, and returns the pong. NULL: the ping offers none, and frames are messages. */
xpc_object_t lane_open(xpc_object_t ping);

/* lane.c: begins to wait for records. */
void lane_start(void);

/* lane.c: whether that was done. */
bool lane_is_open(void);

/* lane.c: keeps other threads from the channel, until lane_leave. */
void lane_enter(void);
void lane_leave(void);

/* lane.c: gives the message that is sent next its number. */
void lane_number(xpc_object_t message);

/* lane.c: handles what was written before the message was sent that has come; lane_read, what was written after it. */
void lane_arrived(xpc_object_t message);
void lane_read(void);

/* lane.c: handles the record that a message has in place of a frame. */
void lane_on_record(const uint8_t *record, size_t bytes);

/* lane.c: sends a frame, as a record or with its record in a message. False: there is no lane. */
bool lane_send_video(const struct video *video, uint64_t frame_id);

/* lane.c: sends a record. False: there is no lane, or no room in it. */
bool lane_send_release(uint64_t surface_id, uint64_t generation);
bool lane_send_end(void);

#endif
