#ifndef FLEXILIB_FUZZ_CONFIGURATION_H
#define FLEXILIB_FUZZ_CONFIGURATION_H

/* Loads bytes as a configuration file of that name, out of a snapshot, so that nothing outside is read, whatever the
 * file includes. */

#include <stddef.h>
#include <stdint.h>

void configuration_try(const char *name, const uint8_t *bytes, size_t size);

#endif
