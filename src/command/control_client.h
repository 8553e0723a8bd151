#ifndef FLEXILIB_COMMAND_CONTROL_CLIENT_H
#define FLEXILIB_COMMAND_CONTROL_CLIENT_H

/* A command's side of the control socket: one request, one answer. */

#include "base/error.h"
#include "process/control_message.h"

/* Sends a request (of control_begin_request, its line ended) to the FlexiLib that serves this configuration, and adds
 * the answer's lines, but for the one that ends it, to lines. file may be NULL where $FLEXILIB_CONTROL is set. Returns
 * false and fills error: also with what FlexiLib has against the request. */
bool control_client_ask(const char *file, const struct text *request, struct text *lines, struct error *error)
    __attribute__((warn_unused_result));

/* The same for a request whose answer takes its time, and where an answer that tells of a failure has lines of interest
 * too: returns the status that the answer ends with, error being filled with its sentence unless that is 0. Returns -1
 * and fills error where there was no answer. */
int control_client_await(const char *file, const struct text *request, struct text *lines, struct error *error)
    __attribute__((warn_unused_result));

#endif
