#ifndef FLEXILIB_SCENARIO_EVENT_DETAILS_H
#define FLEXILIB_SCENARIO_EVENT_DETAILS_H

/* Reads what stands behind an event's first key: fields, the body, and where a request is from. */

#include "scenario/event_reader.h"

/* allowed is a set of enum event_detail; key is the event's first one. Returns false and fills error. */
bool event_details_read(const struct event_reader *reader, unsigned allowed, const struct node *key,
                        const struct node *rest, struct event *event);

#endif
