/*
 * streamlib_lane.h: the memory of a lane, version 1. For C, and for any language that reads and writes it.
 *
 * A lane is one region of shared memory with two rings of slots, one for each direction of a connection. Direction 0
 * is written by the side that has made the memory, the host, and direction 1 by the other, the client. All numbers
 * are little-endian.
 *
 *   offset                    size  field
 *   0                         4     SLB_LANE_MAGIC, the bytes "SLN1"
 *   4                         4     SLB_LANE_VERSION
 *   8                         4     slots of each direction: a power of two
 *   12                        4     SLB_LANE_SLOT_BYTES
 *   128 + 512 * direction     512   header of the direction: four numbers, see SLB_LANE_HEAD to SLB_LANE_CORE
 *   4096 + 64 * slots * dir.  -     its slots
 *
 * The first four numbers never change. The counters `head` and `tail` start at 0 and wrap at 2^32; a counter c names
 * slot c % slots. head - tail, modulo 2^32, is the number of slots that can be read; more than `slots` is an error of
 * the side that wrote the counter. Each counter is written by one side only. Each number of a header has 128 bytes of
 * its own, so that it shares no cache line with another.
 *
 * Neither side trusts the other: a value may differ each time it is read. So read it once, check it, and use that copy.
 *
 * Waiting. A reader that is about to sleep sets `asleep` to 1, then reads `head` again, and sleeps only if it has not
 * moved. A writer advances `head`, then reads `asleep`; if that is 1, it exchanges it for 0 and, if the exchange
 * returned 1, rings the reader's bell. All these accesses are sequentially consistent: with weaker ones a reader can
 * sleep while there is something to read, and not be rung. slb_lane_publish and slb_lane_sleep do all this.
 */
#ifndef STREAMLIB_LANE_H
#define STREAMLIB_LANE_H

#define SLB_LANE_MAGIC 0x314e4c53u
#define SLB_LANE_VERSION 1u

/* Offsets of the first four numbers. */
#define SLB_LANE_AT_MAGIC 0
#define SLB_LANE_AT_VERSION 4
#define SLB_LANE_AT_SLOTS 8
#define SLB_LANE_AT_SLOT_BYTES 12

/* The header of direction d is at SLB_LANE_HEADERS + SLB_LANE_HEADER_BYTES * d. */
#define SLB_LANE_HEADERS 128
#define SLB_LANE_HEADER_BYTES 512

/* Offsets in a header; each is 32 bits. */
#define SLB_LANE_HEAD 0     /* slots written so far; by the writer */
#define SLB_LANE_TAIL 128   /* slots read so far; by the reader */
#define SLB_LANE_ASLEEP 256 /* 1: the reader sleeps, and is to be rung. Both sides write it; it starts as 1 */
#define SLB_LANE_CORE 384   /* the processor on which the writer ran when it advanced head, plus 1; 0: unknown */

/* The slots of direction d are at SLB_LANE_SLOTS + SLB_LANE_SLOT_BYTES * slots * d. */
#define SLB_LANE_SLOTS 4096
#define SLB_LANE_SLOT_BYTES 64
#define SLB_LANE_MIN_SLOTS 16
#define SLB_LANE_MAX_SLOTS 4096
#define SLB_LANE_DEFAULT_SLOTS 256

/* The bytes of a lane's memory. The system rounds them up to whole pages. */
#define SLB_LANE_BYTES(slots) (SLB_LANE_SLOTS + 2 * SLB_LANE_SLOT_BYTES * (slots))

/* A side may be rung this many times more than it has announced sleep. With the next ring it ends the connection. */
#define SLB_LANE_MAX_RINGS 64

#endif
