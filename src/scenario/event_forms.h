#ifndef FLEXILIB_SCENARIO_EVENT_FORMS_H
#define FLEXILIB_SCENARIO_EVENT_FORMS_H

/* The events there are: what each is called, who may do it, and which details it takes. */

#include "scenario/scenario.h"

enum event_party {
    EVENT_BY_NOBODY = 0,
    EVENT_BY_CLIENT = 1,
    EVENT_BY_UPSTREAM = 2,
};

/* The details that an event may have, one bit each. */
enum event_detail {
    DETAIL_FIELDS = 1,      /* headers */
    DETAIL_ONLY_FIELDS = 2, /* only_headers */
    DETAIL_BODY = 4,
    DETAIL_UNFINISHED = 8,
    DETAIL_BROKEN = 16,
    DETAIL_ORIGIN = 32, /* from, scheme, tls */
    DETAIL_ATTRIBUTES = 64,
};

struct event_form {
    const char *verb; /* NULL behind the last one */
    enum event_kind kind;
    unsigned party;
    unsigned details;
    int status; /* that it stands for */
};

extern const struct event_form event_forms[];

#endif
