/**
 * The memory of a lane: the numbers of `c/include/streamlib_lane.h`, where the
 * memory is described. A test compares the two.
 *
 * @module
 */

/** The first number of the memory: the bytes "SLN1". */
export const LANE_MAGIC = 0x314e4c53;
/** The version of the layout. */
export const LANE_VERSION = 1;

/** Where the magic number is. */
export const LANE_AT_MAGIC = 0;
/** Where the version is. */
export const LANE_AT_VERSION = 4;
/** Where the number of slots is. */
export const LANE_AT_SLOTS = 8;
/** Where the size of a slot is. */
export const LANE_AT_SLOT_BYTES = 12;

/** Where the header of direction 0 is. */
export const LANE_HEADERS = 128;
/** The size of a direction's header. */
export const LANE_HEADER_BYTES = 512;

/** In a header: the number of slots that were written so far, modulo 2^32. */
export const LANE_HEAD = 0;
/** In a header: the number of slots that were read so far, modulo 2^32. */
export const LANE_TAIL = 128;
/** In a header: whether the reader sleeps. */
export const LANE_ASLEEP = 256;
/** In a header: the processor of the last writer, plus 1. */
export const LANE_CORE = 384;

/** Where the slots of direction 0 are. Those of direction 1 follow. */
export const LANE_SLOTS = 4096;
/** The size of a slot. */
export const LANE_SLOT_BYTES = 64;
/** The fewest slots of a direction. */
export const LANE_MIN_SLOTS = 16;
/** The most slots of a direction. */
export const LANE_MAX_SLOTS = 4096;
/** The slots of a direction if nothing else is said. */
export const LANE_DEFAULT_SLOTS = 256;

/** How many rings beyond the announcements of sleep are tolerated. More are a flood: the connection ends. */
export const LANE_MAX_RINGS = 64;
