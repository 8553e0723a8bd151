#ifndef FLEXILIB_HTTP_HTTP_DATE_H
#define FLEXILIB_HTTP_HTTP_DATE_H

/* Dates as header fields hold them (RFC 9110 section 5.6.7), whatever locale a library may have set. */

#include "base/slice.h"

#include <time.h>

enum {
    HTTP_DATE_BYTES = sizeof("Sun, 06 Nov 1994 08:49:37 GMT"),
};

/* Writes the preferred form. */
void http_date_format(char text[HTTP_DATE_BYTES], time_t time);

/* Reads any of the three forms; false where it is none of them. */
bool http_date_parse(struct slice text, time_t *time);

/* The time as a Date field has it, made once a second. Zero bytes at first. */
struct http_date_cache {
    time_t second;
    char text[HTTP_DATE_BYTES];
};
struct slice http_date_now(struct http_date_cache *cache);

#endif
