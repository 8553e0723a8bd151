#ifndef FLEXILIB_FILTER_STATUS_H
#define FLEXILIB_FILTER_STATUS_H

/* What HTTP's status codes are called (RFC 9110 section 15). */

/* The phrase that goes with a status, as "Not Found"; "" for those without one. */
const char *status_phrase(int status);

#endif
