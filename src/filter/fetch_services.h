#ifndef FLEXILIB_FILTER_FETCH_SERVICES_H
#define FLEXILIB_FILTER_FETCH_SERVICES_H

/* What filters' fetches need of those who ask servers: see runtime_use_fetches. What a filter has asked for is judged
 * and counted here in filter/; how it gets to a server, and what it costs there, is the other side's. */

#include "config/settings.h"
#include "flexilib/filter.h"

struct exchange;
struct fetch_call;
struct headers;

/* A request whose parts are well formed. Borrowed until start returns. */
struct fetch_order {
    const struct upstream_settings *upstream;
    struct slice method;
    struct slice authority; /* empty: the server's own */
    struct slice path, query;
    bool has_query;
    const struct flexilib_pair *fields; /* end-to-end ones without Host */
    size_t field_count;
    struct slice body;               /* all of it, or the beginning where streams_body */
    bool streams_body;               /* the rest comes by write, its end by finish */
    const struct exchange *exchange; /* that it is made for; NULL: the filter's own */
    struct slice filter;             /* its name, for the log */
};

/* None is called from within start, write, finish and more; nor once the call is over or was cancelled. Texts are
 * borrowed until the event returns, also where the call is cancelled from within. */
struct fetch_call_events {
    void (*on_head)(void *data, int status, const struct headers *fields);
    /* False: no more until fetch_services.more. */
    bool (*on_body)(void *data, struct slice piece);
    /* After write has refused something: some of what waited has gone. */
    void (*on_room)(void *data);
    /* The call is gone. failure is 0 for a whole response, else a status. */
    void (*on_over)(void *data, int failure);
};

struct fetch_services {
    struct fetch_call *(*start)(void *context, const struct fetch_order *order, const struct fetch_call_events *events,
                                void *data);
    /* False, with nothing added, where too much would wait. */
    bool (*write)(struct fetch_call *call, struct slice data);
    void (*finish)(struct fetch_call *call);
    void (*more)(struct fetch_call *call);
    /* The call is gone. complaint says why in the log, where somebody is to blame; else NULL. */
    void (*cancel)(struct fetch_call *call, const char *complaint);
};

#endif
