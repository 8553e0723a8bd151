#ifndef FLEXILIB_CONFIG_SETTINGS_UPSTREAM_H
#define FLEXILIB_CONFIG_SETTINGS_UPSTREAM_H

/* What the configuration says of upstreams: who their servers are, which of them gets a request, and how long, how
 * often and how many at a time. A part of settings.h, which everybody includes. */

#include "config/fields.h"

/* An inclusive range of response statuses. */
struct status_range {
    uint16_t first, last;
};

struct status_ranges {
    const struct status_range *items;
    size_t count;
};

struct server_settings {
    struct slice url;  /* as written, for logs */
    struct slice host; /* name or numeric address without brackets; the path for a unix socket */
    uint16_t port;
    bool is_unix;
    bool is_tls;                            /* https:// */
    uint32_t weight;                        /* 1 to 256 */
    bool is_backup;                         /* gets requests only while no other server can */
    uint32_t max_requests, max_connections; /* at a time, of all workers together; 0: any number */
    struct place place;
};

enum balance_kind {
    BALANCE_ROUND_ROBIN = 0,
    BALANCE_LEAST_REQUESTS, /* fewest requests in flight for its weight */
    BALANCE_RANDOM_TWO,     /* the less busy one of two that are drawn */
    BALANCE_HASH,           /* consistent: requests that are alike meet the same server */
};

enum balance_key {
    BALANCE_KEY_ADDRESS = 0, /* the client's */
    BALANCE_KEY_PATH,        /* without the query */
    BALANCE_KEY_HEADER,
    BALANCE_KEY_COOKIE,
};

struct balance_settings {
    enum balance_kind kind;
    enum balance_key key;  /* BALANCE_HASH */
    struct slice key_name; /* of the header or cookie */
};

enum same_site {
    SAME_SITE_LAX = 0,
    SAME_SITE_STRICT,
    SAME_SITE_NONE,
};

/* A cookie by which a client comes back to the server it had before. */
struct sticky_settings {
    struct slice cookie; /* its name; empty: none */
    struct slice path;
    int64_t max_age_ms; /* 0: until the browser is closed */
    bool is_secure;
    enum same_site same_site;
};

/* Asking servers how they are. */
struct health_settings {
    struct slice path; /* with a query where there is one */
    struct slice host; /* the Host field; empty: the server's own */
    int64_t every_ms, timeout_ms;
    uint32_t healthy_after, unhealthy_after; /* checks in a row */
    struct status_ranges statuses;           /* that are good */
    struct slice body;                       /* how a good body begins; empty: any */
};

/* Leaving a server alone whose requests fail. */
struct eject_settings {
    uint32_t failures;             /* in a row; 0: never */
    int64_t time_ms, longest_ms;   /* the first time, and at most: it doubles each time */
    struct status_ranges statuses; /* responses that count as failures, besides the lack of one */
};

/* Trying once more what has failed, before anything of a response was sent on. */
struct retry_settings {
    uint32_t tries; /* most for one request, the first included; a server that cannot be connected to is none */
    bool on_failure, on_timeout;
    struct status_ranges statuses;
    const struct field_item *methods; /* of count 0: the idempotent ones (RFC 9110 section 9.2.2) */
    size_t method_count;
    uint32_t budget_percent; /* how many retries there may be for a hundred requests */
};

enum proxy_protocol {
    PROXY_PROTOCOL_NONE = 0,
    PROXY_PROTOCOL_V1,
    PROXY_PROTOCOL_V2,
};

/* How the https:// servers of an upstream are spoken to. */
struct upstream_tls_settings {
    struct file_settings ca; /* who is trusted, unless insecure */
    bool has_own_ca;         /* rather than the machine's */
    struct file_settings certificate, key;
    struct slice server_name; /* empty: the server's host */
    bool is_insecure;
    struct place place;
};

struct upstream_settings {
    struct slice name; /* under `upstreams:`, or the URL where a route names it directly */
    const struct server_settings *servers;
    size_t server_count;                     /* at least 1 */
    const struct upstream_tls_settings *tls; /* NULL where no server is is_tls */
    int64_t connect_timeout_ms;
    int64_t tls_timeout_ms;      /* until TLS is agreed on */
    int64_t response_timeout_ms; /* from the request's last byte to the response's head */
    int64_t send_timeout_ms;     /* until the server takes more of the request */
    int64_t idle_timeout_ms;     /* between two bytes of the response */
    int64_t try_timeout_ms;      /* for one try, from its start to the response's head; 0: none */
    int64_t total_timeout_ms;    /* for all of it, from the start to the response's last byte; 0: none */
    int64_t tunnel_timeout_ms;   /* between two bytes of a tunnel, either way */
    int64_t keep_alive_ms;       /* how long an unused connection is kept */
    struct balance_settings balance;
    struct sticky_settings sticky;
    const struct health_settings *health; /* NULL: servers are not asked */
    struct eject_settings eject;
    struct retry_settings retry;
    int64_t slow_start_ms;                  /* until a server that has come back gets its whole weight; 0: at once */
    uint32_t max_requests, max_connections; /* at a time, of all workers together; 0: any number */
    uint32_t queue_length;                  /* of requests that wait in one worker because of them */
    int64_t queue_timeout_ms;
    enum proxy_protocol proxy_protocol;
    size_t index; /* its number among settings->upstreams */
    struct place place;
};

#endif
