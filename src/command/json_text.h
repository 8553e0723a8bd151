#ifndef FLEXILIB_COMMAND_JSON_TEXT_H
#define FLEXILIB_COMMAND_JSON_TEXT_H

/* Text that anybody may have written, as a JSON string. */

#include "base/slice.h"

#include <jansson.h>

/* Bytes that are no UTF-8 have no place in JSON: each becomes U+FFFD. */
json_t *json_text(struct slice text);

#endif
