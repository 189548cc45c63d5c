/*
 * sha256.h - SHA-256 (FIPS 180-4), for service names that are too long for a socket's path.
 */
#ifndef XL_SHA256_H
#define XL_SHA256_H

#include <stddef.h>
#include <stdint.h>

void xl_sha256(const void *bytes, size_t length, uint8_t digest[32]);

#endif
