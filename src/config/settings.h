#ifndef FLEXILIB_CONFIG_SETTINGS_H
#define FLEXILIB_CONFIG_SETTINGS_H

/* What the configuration says, checked as far as it can be without loading a library: the result of reading a YAML file
 * or the original's proxy.ini. Immutable. Everything lives in the settings' own arena. */

#include "base/watch.h"
#include "config/address_range.h"
#include "config/name_index.h"
#include "config/settings_compress.h"
#include "config/settings_upstream.h"

enum pattern_kind {
    PATTERN_EXACT = 1, /* =text; for hosts plain text too */
    PATTERN_PREFIX,    /* text* for hosts and paths, plain text for header values */
    PATTERN_SEGMENT,   /* paths: text itself, or text followed by "/" and anything */
    PATTERN_SUFFIX,    /* hosts: *.text; text begins with the dot */
    PATTERN_ABSENT,    /* headers: no such field */
};

struct pattern {
    enum pattern_kind kind;
    struct slice text;
    struct place place;
};

/* "One of": a condition without patterns always holds. */
struct pattern_list {
    const struct pattern *items;
    size_t count;
};

struct header_condition {
    struct slice name; /* as written; compares without case */
    struct pattern_list values;
    struct place place;
};

/* All conditions hold, each in one of its patterns. Host patterns are lower case; methods and paths as sent; header
 * values with case. In proxy.ini's routes the path is a raw byte prefix of the target as it was sent (is_raw_target),
 * and only the first field of a header's name counts. */
struct match_settings {
    struct pattern_list listeners; /* names of listeners, always PATTERN_EXACT */
    struct pattern_list hosts;
    struct pattern_list paths;
    struct pattern_list methods; /* PATTERN_EXACT */
    const struct header_condition *headers;
    size_t header_count;
    bool is_raw_target;
    struct place place;
};

enum error_policy {
    ERROR_POLICY_CLOSED = 0, /* answer 503 */
    ERROR_POLICY_OPEN,       /* go on without the filter */
};

struct library_settings {
    struct slice name;
    struct slice path; /* absolute, or a bare name to be looked up */
    bool has_share;    /* of the pool, of its own */
    unsigned share_percent;
    bool is_blocking;                     /* whatever its filters say of themselves */
    bool is_serial;                       /* it does not bear two calls at once */
    bool wants_quarantine;                /* crashes that go on put its routes out of service */
    const struct runner_settings *runner; /* what runs it; NULL: the workers themselves */
    struct place place;
};

/* Processes that run one library for the workers (`isolate: process`), all alike. */
struct runner_settings {
    unsigned number;      /* its index in settings.runners */
    struct slice name;    /* of the library, as the configuration calls it */
    struct slice library; /* as in step_settings */
    bool library_is_path;
    unsigned instances;
    int64_t memory_bytes; /* that the library may take, in each process */
    int64_t call_timeout_ms;
    int64_t call_cpu_time_ms; /* that one call may use; 0: whatever fits into call_timeout_ms */
    unsigned nice;            /* how much the scheduler prefers others */
    bool is_used;             /* by some step */
    struct place place;
};

/* One filter as a chain names it. */
struct step_settings {
    struct slice name;    /* as written: for messages and for `skip` */
    struct slice library; /* the name under `libraries:`, a bundled name, or an absolute path */
    struct slice filter;  /* which filter of the library; empty: its only one, or the one named like the library */
    bool library_is_path;
    const struct library_settings *declared; /* what stands under `libraries:`; NULL: nothing */
    const struct runner_settings *runner;    /* whose process it runs in; NULL: the workers' own */
    unsigned number;                         /* counts the steps of the settings, in the order of the file */
    enum error_policy on_error;
    const struct node *options; /* a mapping, or NULL */
    struct place place;
};

enum target_kind {
    TARGET_NONE = 0,
    TARGET_HANDLER,
    TARGET_PROXY,
    TARGET_REDIRECT,
    TARGET_RESPOND,
    TARGET_FILES,
    TARGET_ROUTES,
};

enum redirect_part_kind {
    REDIRECT_PART_TEXT = 1,
    REDIRECT_PART_SCHEME,
    REDIRECT_PART_HOST,
    REDIRECT_PART_PATH,
    REDIRECT_PART_QUERY,
};

struct redirect_part {
    enum redirect_part_kind kind;
    struct slice text; /* REDIRECT_PART_TEXT: free of what no URL may hold */
};

struct redirect_settings {
    int status;
    const struct redirect_part *parts; /* make up the Location */
    size_t part_count;
};

struct respond_settings {
    int status;
    const struct field_pair *headers; /* none that frames the response */
    size_t header_count;
    struct slice body;
};

struct files_settings {
    const char *root; /* absolute; need not exist */
    const struct field_item *index;
    size_t index_count;
    struct slice fallback; /* relative to root; empty where there is none */
    bool is_precompressed;
    struct slice type;  /* of every file, for Content-Type; empty: as its name says */
    struct place place; /* of root */
};

enum host_policy {
    HOST_KEEP = 0, /* the client's Host */
    HOST_SERVER,   /* the server's own */
    HOST_TEXT,     /* host_text */
};

enum forwarded_policy {
    FORWARDED_X = 0,    /* X-Forwarded-For, -Proto and -Host */
    FORWARDED_STANDARD, /* Forwarded (RFC 7239) */
    FORWARDED_BOTH,
    FORWARDED_NONE,
};

/* What a request and its response are changed to on their way to an upstream and back. */
struct forward_settings {
    struct slice strip;  /* path prefix that is taken off, or empty; does not end in "/" */
    struct slice prefix; /* path prefix that is put in front after that, or empty; does not end in "/" */
    enum host_policy host;
    struct slice host_text;
    enum forwarded_policy forwarded;
    bool tells_client_certificate;           /* Client-Cert (RFC 9440) */
    bool maps_location;                      /* Location and the like, from the server's names to the client's */
    const struct field_pair *cookie_domains; /* Set-Cookie's Domain: from name, to value; value empty: taken out */
    size_t cookie_domain_count;
    const struct field_pair *cookie_paths; /* Set-Cookie's Path: a prefix, and what it becomes; as strip and prefix */
    size_t cookie_path_count;
    const struct field_item *upgrades; /* tokens of Upgrade that are let through; "*": any */
    size_t upgrade_count;
};

/* Pages in place of FlexiLib's own answers. */
struct error_page {
    struct status_range statuses;
    struct slice content;
    struct slice type; /* of the content, for Content-Type */
    struct place place;
};

struct error_pages {
    const struct error_page *items; /* the first that fits counts */
    size_t count;
};

struct route_settings {
    struct slice name; /* as written, or `FILE:LINE` */
    struct match_settings match;
    const struct step_settings *filters;
    size_t filter_count;
    const struct field_item *skip; /* names of inherited filters that do not run here */
    size_t skip_count;
    enum target_kind target;
    struct step_settings handler;             /* TARGET_HANDLER */
    const struct upstream_settings *upstream; /* TARGET_PROXY */
    const struct forward_settings *forward;   /* TARGET_PROXY */
    const struct redirect_settings *redirect; /* TARGET_REDIRECT */
    const struct respond_settings *respond;   /* TARGET_RESPOND */
    const struct files_settings *files;       /* TARGET_FILES */
    struct route_settings *routes;            /* TARGET_ROUTES: tried in order, this route's match holding too */
    size_t route_count;
    struct error_pages error_pages; /* come before those of the routes around */
    bool has_body_limit;            /* of its own, in place of the one around */
    int64_t body_limit_bytes;
    bool has_compression;                           /* of its own, in place of the one around */
    const struct compression_settings *compression; /* NULL: none */
    const struct node *node;                        /* as it is written; NULL in proxy.ini */
    struct place place;
};

/* A certificate that a listener can show. */
struct certificate_settings {
    struct file_settings certificate, key;
    struct file_settings ocsp; /* its authority's word that it still holds, in DER; path NULL: none */
    bool fetches_ocsp;         /* from the authority's responder, by ourselves */
};

enum client_policy {
    CLIENTS_ANY = 0,  /* are not asked for a certificate */
    CLIENTS_OPTIONAL, /* may show one, which has to be good */
    CLIENTS_REQUIRED,
    CLIENTS_UNCHECKED, /* may show any; filters judge it */
};

/* How a listener speaks https. */
struct listener_tls_settings {
    const struct certificate_settings *certificates; /* the first one is for clients that name none of the others */
    size_t certificate_count;                        /* at least 1 */
    bool is_1_3_only;
    enum client_policy clients;
    struct file_settings client_ca;  /* by whom clients' certificates are; path NULL: by nobody known */
    struct file_settings client_crl; /* which of them are revoked; path NULL: nobody asks */
};

struct listener_settings {
    struct slice name; /* empty where it has none */
    struct slice host; /* numeric address without brackets; the path for a unix socket */
    uint16_t port;     /* 0: any free one, told in the log */
    bool is_unix;
    bool speaks_http2;                       /* too: by ALPN over TLS, otherwise where the client begins with it */
    const struct listener_tls_settings *tls; /* NULL: plain */
    bool is_https_only;                      /* where the settings are; meant for those that are plain */
    /* Whose connections begin with a header of the PROXY protocol, which nobody else's may. */
    const struct address_range *proxy_senders;
    size_t proxy_sender_count;
    bool keeps_half_closed;  /* a client that sends no more has not left while a response is due */
    int64_t max_connections; /* of all workers; 0: any number */
    int64_t backlog;         /* connections that may wait to be accepted; 0: the usual number */
    bool has_mode;           /* unix sockets: of the file */
    unsigned mode;
    struct slice owner, group; /* likewise, NUL-terminated names or numbers; empty: as they come */
    struct place owner_place, group_place;
    struct place place;
};

/* Where operators and what watches the program ask how it is. */
struct admin_settings {
    bool is_on;
    bool is_usual;  /* nobody has chosen the address: where it cannot be opened, there is a warning and nothing more */
    bool is_logged; /* in the access log */
    struct listener_settings listener;
};

/* Whether clients that come by http are sent to https, and what those are told who come by https. */
struct https_only_settings {
    bool is_on;
    uint16_t port;              /* where clients find https; 0: where a listener has it, and 443 where a proxy has */
    struct slice hsts;          /* what Strict-Transport-Security says; empty: nothing */
    struct pattern_list except; /* paths that are answered by http too */
};

/* Whom names of servers are asked of. */
struct resolver_settings {
    struct slice servers; /* ADDRESS:PORT, separated by commas; empty: those of /etc/resolv.conf */
    int64_t timeout_ms;   /* until a name server is asked again, or the next one is */
};

/* Threads for work that blocks, in each worker. */
struct pool_settings {
    unsigned threads;
    unsigned queue;         /* jobs that may wait for one */
    unsigned share_percent; /* what one library may have of both */
};

/* Lines of the access log have a bound. What stands in a format is never cut, and may become longer by escapes; a value
 * has at least so much room. */
enum {
    SETTINGS_LOG_LINE_BYTES = 4095, /* with the line end */
    SETTINGS_LOG_ESCAPED_BYTES = 6,
    SETTINGS_LOG_LEAST_VALUE_BYTES = 24,
};

/* One value of a log line that is a JSON object. */
struct access_log_field {
    struct slice name;
    const struct template *value;
};

struct access_log_settings {
    struct slice path; /* absolute, "-" for standard output, empty for none */
    struct place place;
    /* What a line says: one of these, or neither for the usual line. */
    const struct template *line;
    const struct access_log_field *fields;
    size_t field_count;
};

enum settings_style {
    SETTINGS_YAML = 1,
    SETTINGS_INI, /* missing libraries are warned of and waited for; nothing matched answers 500; the original's log */
};

struct settings {
    enum settings_style style;
    const char *path;        /* of the file, as given */
    const struct node *root; /* what is written in it, as a whole; NULL for proxy.ini */
    const char *folder;      /* absolute: of the file for YAML, the start folder for proxy.ini */

    const struct listener_settings *listeners;
    size_t listener_count;
    struct admin_settings admin;
    uint32_t workers; /* 0: as many as CPUs */
    const struct library_settings *libraries;
    size_t library_count;
    bool is_without_filters; /* never in a file: the operator has asked for it, in an emergency */
    const struct runner_settings *const *runners;
    size_t runner_count;
    const struct field_item *library_path; /* folders, absolute, searched after the bundled one */
    size_t library_path_count;
    struct upstream_settings *const *upstreams; /* named and inline ones */
    size_t upstream_count;
    struct name_index upstream_names; /* the named ones */
    struct resolver_settings resolver;
    struct pool_settings pool;
    const struct step_settings *filters; /* the chain of every route */
    size_t filter_count;
    struct route_settings *routes;
    size_t route_count;

    const struct address_range *trusted_proxies; /* whose word about clients counts */
    size_t trusted_proxy_count;
    struct https_only_settings https_only;
    const char *acme_challenges; /* the folder that an ACME client puts its answers under; NULL: none */
    struct error_pages error_pages;
    const struct compression_settings *compression; /* of responses; NULL: none */

    struct slice user; /* to run workers as; empty: stay who we are */
    struct place user_place;
    struct access_log_settings access_log;
    int64_t body_limit_bytes;
    int64_t body_rate_bytes; /* the slowest that a client may send a body, in a second; 0: any rate */
    int64_t head_limit_bytes;
    int64_t header_limit; /* how many fields */
    int64_t header_timeout_ms, body_timeout_ms, keep_alive_timeout_ms, write_timeout_ms;
    int64_t handler_timeout_ms; /* how long a filter may pause */
    int64_t stuck_timeout_ms;   /* how long a worker's loop may stand still; 0: any time */
    int64_t probation_ms;       /* in which a library that a change brought is rolled back for crashing */
    int64_t create_timeout_ms;  /* how long one that has deferred it may take until it is ready */
    int64_t drain_timeout_ms, drain_tunnels_ms; /* after a reload: of requests, of tunnels */
    int64_t max_generations;                    /* that drain and have requests left, before a reload waits */
    int64_t shutdown_timeout_ms;
    int64_t shutdown_delay_ms;           /* until it stops to accept, when told to stop */
    int64_t max_connections;             /* of clients, with all workers; 0: any number */
    int64_t max_connections_per_address; /* likewise; a network of 64 bits counts as one where it is IPv6 */
    int64_t arena_bytes;                 /* what an exchange has ready */
    enum watch_mode watch;               /* which files cause a reload when they change */
};

/* Reads a configuration: proxy.ini's format where the file's name ends in ".ini", YAML otherwise. Returns NULL and
 * fills error. The source must outlive the settings. */
struct settings *settings_load(struct source *source, const char *path, struct error *error);

/* The same for a tree of nodes in YAML's shape that need not be a file's; they must outlive the settings. Paths in it
 * are relative to its nodes' files; messages call it by path. */
struct settings *settings_build(struct source *source, const struct node *root, const char *path, struct error *error);

void settings_destroy(struct settings *settings);

/* The upstream that has that name under `upstreams:`, or NULL. */
const struct upstream_settings *settings_find_upstream(const struct settings *settings, struct slice name);

/* The step of that number, wherever it stands, or NULL. */
const struct step_settings *settings_find_step(const struct settings *settings, unsigned number);

/* What the step's library is called, for finding a filter of the same name in it: "hello" for /x/hello.so. */
struct slice settings_library_name(const struct step_settings *step);

#endif
