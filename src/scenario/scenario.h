#ifndef FLEXILIB_SCENARIO_SCENARIO_H
#define FLEXILIB_SCENARIO_SCENARIO_H

/* A scenario file: for a chain of filters, what the world around it does and what it is to see then, told as events in
 * their order. This is the file as it was read; a stage (stage.h) plays it. filters/README.md describes the format. */

#include "config/settings.h"
#include "flexilib/filter.h"
#include "scenario/content.h"

enum event_kind {
    EVENT_SEND = 1,  /* a client sends a request */
    EVENT_SEND_MORE, /* a client or an upstream goes on with the body it has begun */
    EVENT_SEE,       /* a client is to see a response, an upstream a request */
    EVENT_SEE_MORE,  /* and to see the body go on */
    EVENT_ANSWER,    /* an upstream answers */
    EVENT_LEAVE,     /* a client goes away */
    EVENT_FAIL,      /* an upstream breaks off, or lets its time run out */
    EVENT_IS_LEFT,   /* an upstream is to see that nobody waits for it any more */
    EVENT_STOP_READING,
    EVENT_READ_ON,
    EVENT_PASS_TIME,
    EVENT_LOG, /* the log is to have a line */
};

/* What a header field or an attribute is to be. */
struct field_rule {
    struct slice name;
    struct place place;
    const struct content *values; /* one for each field of that name, in order; without any it must not be there */
    size_t value_count;
};

/* What a client's TLS is said to be. */
struct tls_rule {
    flexilib_tls_fact fact;
    struct slice value;
};

struct event {
    enum event_kind kind;
    struct place place; /* of its first key */
    struct slice party; /* "client", "client bob", "upstream", "shop"; empty where nobody does it */
    bool is_client;     /* what the party is */
    struct slice method, target;
    int status; /* 0: none is told */
    bool sees_nothing;
    bool has_all_fields; /* what `only_headers` lists is all there is */
    const struct field_rule *fields;
    size_t field_count;
    const struct field_rule *attributes; /* likewise, what filters have set by names */
    size_t attribute_count;
    struct content body;
    bool is_unfinished;
    bool is_broken;
    struct slice address, scheme; /* of a request; empty: the usual ones */
    const struct tls_rule *tls;   /* without any the connection is plain */
    size_t tls_count;
    struct content line;
    int64_t duration_ms;
};

struct scenario {
    struct slice name;
    struct place place;
    const struct settings *settings; /* with one route, whose chain it is about */
    const struct event *events;
    size_t event_count;
    struct content refusal; /* the chain is to be refused with this, after the events if there are any */
    struct place refusal_place;
};

struct scenario_file {
    const struct scenario *scenarios;
    size_t scenario_count;
    struct source *source;
};

/* A library that takes the place of one that the file names. */
struct scenario_library {
    const char *name; /* under `libraries:`; NULL: of the only one there is a path of */
    char *path;       /* absolute */
};

/* Reads the file; libraries are not loaded. Returns NULL and fills error, which may point into any file that it
 * includes. */
struct scenario_file *scenario_file_load(const char *path, const struct scenario_library *libraries,
                                         size_t library_count, struct error *error);
void scenario_file_destroy(struct scenario_file *file);

#endif
