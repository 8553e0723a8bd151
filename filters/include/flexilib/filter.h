#ifndef FLEXILIB_FILTER_H
#define FLEXILIB_FILTER_H

/* FlexiLib's filter contract.
 *
 * A library is an ordinary shared object that exports one constant, `flexilib_library`. It offers filters; a filter is
 * used in the chain of a route, where it sees requests on their way in and responses on their way out, may change both,
 * or may answer by itself. Nothing else is needed to build one: this header, a C compiler and -shared -fPIC.
 *
 * Memory, one rule. What FlexiLib passes is borrowed until the call returns; what a filter passes is copied before the
 * call returns. Nobody frees the other's memory. Text is pointer plus length and not NUL-terminated.
 *
 * Threads, one rule. Every call in either direction happens on the worker's event-loop thread, except what is marked
 * [any thread]. A worker is a process, so a filter needs no locks; and a hook that blocks stops that worker.
 *
 * Tags: [startup] in create only. [loop] any call on the loop thread. [in exchange] while a hook runs for that
 * exchange.
 *
 * Versions. A library says which version it was built against; it is accepted where the major numbers are equal and its
 * minor is not above FlexiLib's. Major 0 may still change; from 1.0 on, whatever a library was built against stays.
 * Changes: 0.9 first published. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLEXILIB_ABI_MAJOR 0
#define FLEXILIB_ABI_MINOR 9

#if defined(__GNUC__)
#define FLEXILIB_EXPORT __attribute__((visibility("default")))
#else
#define FLEXILIB_EXPORT
#endif

struct flexilib_text {
    const char *data;
    size_t length;
};

/* Makes a flexilib_text of a string literal. */
#ifdef __cplusplus
#define FLEXILIB_TEXT(literal) (flexilib_text{"" literal, sizeof(literal) - 1})
#else
#define FLEXILIB_TEXT(literal) ((struct flexilib_text){"" literal, sizeof(literal) - 1})
#endif

/* One request and its response, as a filter may see it. Valid from the first hook called with it until on_end returns.
 */
struct flexilib_exchange;

/* What a hook answers. Any other number blames the filter and counts as FLEXILIB_FAIL. */
typedef int32_t flexilib_answer;
#define FLEXILIB_CONTINUE 0 /* go on */
#define FLEXILIB_PAUSE    1 /* wait until core->resume is called with the ticket taken in this hook */
#define FLEXILIB_REPLY    2 /* the reply set with core->reply is the response */
#define FLEXILIB_FAIL     3 /* the filter cannot do its work: see on_error in the configuration */

/* The two halves of an exchange, where a core call works on either. */
typedef int32_t flexilib_half;
#define FLEXILIB_REQUEST  0
#define FLEXILIB_RESPONSE 1

/* How serious a log line is. */
typedef int32_t flexilib_level;
#define FLEXILIB_DEBUG   0
#define FLEXILIB_INFO    1
#define FLEXILIB_WARNING 2
#define FLEXILIB_ERROR   3

/* Types of options. In YAML an option of each type is written as told here. */
typedef int32_t flexilib_option_type;
#define FLEXILIB_OPTION_BOOL     1 /* yes, no, true, false, on, off */
#define FLEXILIB_OPTION_INTEGER  2 /* a whole number */
#define FLEXILIB_OPTION_DURATION 3 /* 250ms, 1.5s, 10m; given in milliseconds as integer */
#define FLEXILIB_OPTION_SIZE     4 /* 512, 64KB, 16MB; given in bytes as integer */
#define FLEXILIB_OPTION_TEXT     5 /* any scalar */
#define FLEXILIB_OPTION_LIST     6 /* a list of texts, or one text */
#define FLEXILIB_OPTION_MAP      7 /* a mapping of texts to texts, in the file's order */
#define FLEXILIB_OPTION_SECRET   8 /* a text that is never shown in logs and messages */
#define FLEXILIB_OPTION_FILE     9 /* a path, relative to the file that names it; given as the file's content in text */

/* One option that a filter takes. FlexiLib reads, checks and reports it with file, line and column. */
struct flexilib_option {
    const char *name;
    flexilib_option_type type;
    bool required;
    const char *fallback;     /* the default as it would be written in YAML, or NULL: then `present` is false */
    int64_t minimum, maximum; /* for numbers, durations and sizes; both 0 means any */
    const char *summary;      /* one line for the manual */
};

struct flexilib_pair {
    struct flexilib_text name;
    struct flexilib_text value;
};

/* An option's value as create receives it. The texts in it live as long as the filter. */
struct flexilib_value {
    bool present; /* written in the file, or having a fallback */
    bool boolean;
    int64_t integer;
    struct flexilib_text text;
    const struct flexilib_text *list; /* count items */
    const struct flexilib_pair *map;  /* count items */
    size_t count;
};

/* FlexiLib as a filter sees it. Handed to create, valid until destroy returned. Later minors add calls at the end: a
 * library that runs with older ones too compares `size` with offsetof before it uses a newer call. */
struct flexilib_core {
    size_t size;

    /* Writes one line to the log, with the filter's name; exchange may be NULL. [loop] */
    void (*log)(const struct flexilib_core *core, const struct flexilib_exchange *exchange, flexilib_level level,
                const char *data, size_t length);

    /* Says what is wrong with the option of that number in the table (any negative number: with all of them); create
     * then answers false and the message appears with the option's place in the file. [startup] */
    void (*refuse)(const struct flexilib_core *core, int32_t option, const char *sentence, size_t length);

    /* The request line, one part at a time. Path is in canonical form, "/" at least; query is without its "?";
     * authority is the Host. The setters return false, and log why, where the text cannot stand in a request: a path
     * set must begin with "/". They change what is forwarded, never the route. [in exchange] */
    struct flexilib_text (*method)(const struct flexilib_exchange *exchange);
    bool (*set_method)(struct flexilib_exchange *exchange, const char *data, size_t length);
    struct flexilib_text (*scheme)(const struct flexilib_exchange *exchange);
    struct flexilib_text (*authority)(const struct flexilib_exchange *exchange);
    bool (*set_authority)(struct flexilib_exchange *exchange, const char *data, size_t length);
    struct flexilib_text (*path)(const struct flexilib_exchange *exchange);
    bool (*set_path)(struct flexilib_exchange *exchange, const char *data, size_t length);
    struct flexilib_text (*query)(const struct flexilib_exchange *exchange);
    bool (*set_query)(struct flexilib_exchange *exchange, const char *data, size_t length);

    /* The response's status, 0 before there is one; settable from 200 to 599 in the response half. [in exchange] */
    int32_t (*status)(const struct flexilib_exchange *exchange);
    bool (*set_status)(struct flexilib_exchange *exchange, int32_t status);

    /* Header fields of either half, in order; names compare without case. Fields that frame messages or belong to one
     * connection (content-length, transfer-encoding, connection, ...) are FlexiLib's: they are not listed, and setting
     * one is refused with false. So are CR, LF and NUL. [in exchange] */
    size_t (*header_count)(const struct flexilib_exchange *exchange, flexilib_half half);
    /* The field at index (0 to count - 1); false beyond the end. */
    bool (*header_at)(const struct flexilib_exchange *exchange, flexilib_half half, size_t index,
                      struct flexilib_pair *field);
    /* The value of the first field of that name; false where there is none. */
    bool (*header)(const struct flexilib_exchange *exchange, flexilib_half half, const char *name, size_t name_length,
                   struct flexilib_text *value);
    /* Replaces all fields of that name by one, or adds it. */
    bool (*set_header)(struct flexilib_exchange *exchange, flexilib_half half, const char *name, size_t name_length,
                       const char *value, size_t value_length);
    /* Adds one more field. */
    bool (*add_header)(struct flexilib_exchange *exchange, flexilib_half half, const char *name, size_t name_length,
                       const char *value, size_t value_length);
    /* Removes all fields of that name and returns how many there were. */
    size_t (*remove_header)(struct flexilib_exchange *exchange, flexilib_half half, const char *name,
                            size_t name_length);

    /* The client's address as text without port, its port (0 for a unix socket), the route's name or its place in the
     * file, and the request id of the log. [in exchange] */
    struct flexilib_text (*peer_address)(const struct flexilib_exchange *exchange);
    uint16_t (*peer_port)(const struct flexilib_exchange *exchange);
    struct flexilib_text (*route)(const struct flexilib_exchange *exchange);
    struct flexilib_text (*request_id)(const struct flexilib_exchange *exchange);

    /* Memory that lives until on_end returned, aligned for any type. Never NULL. [in exchange] */
    void *(*allocate)(struct flexilib_exchange *exchange, size_t size);

    /* A pointer of the filter's own for this exchange, NULL until set. [in exchange] */
    void *(*state)(const struct flexilib_exchange *exchange);
    void (*set_state)(struct flexilib_exchange *exchange, void *state);

    /* Sets the whole response: status 200 to 599 and body; the content type is set where it is given and not empty.
     * Header fields of the response set before or after, in the same hook, are kept. Then answer FLEXILIB_REPLY. [in
     * exchange] */
    bool (*reply)(struct flexilib_exchange *exchange, int32_t status, const char *content_type,
                  size_t content_type_length, const char *body, size_t body_length);

    /* In a body hook: sends on what the hook was given, or bytes of the filter's own; in any order and number. What is
     * neither passed nor replaced is gone. False outside of a body hook. [in exchange] */
    bool (*pass)(struct flexilib_exchange *exchange);
    bool (*write)(struct flexilib_exchange *exchange, const char *data, size_t length);

    /* The number that ends the pause this hook is about to ask for. A new one for each pause. [in exchange] */
    uint64_t (*ticket)(struct flexilib_exchange *exchange);

    /* Ends a pause: on the loop thread, soon, on_resume is called with result, or the chain just goes on where the
     * filter has none. Where the exchange is gone or the ticket is spent, drop(result) is called instead, if drop is
     * not NULL. [any thread] */
    void (*resume)(const struct flexilib_core *core, uint64_t ticket, void *result, void (*drop)(void *result));

    /* The extension of that id, as "flexilib.timer/1", or NULL where this FlexiLib has none. [loop] */
    const void *(*extension)(const struct flexilib_core *core, const char *id);
};

/* One filter that a library offers. All hooks are optional. `filter` is what create gave. */
struct flexilib_filter {
    const char *name;    /* as the configuration calls it: lower case, digits, "-" */
    const char *summary; /* one line for people */
    const char *version; /* of the filter, any text */

    const struct flexilib_option *options; /* option_count items */
    size_t option_count;

    /* Makes one use of the filter in a chain. options are in the table's order. Returns false after core->refuse, or
     * just false. Without create, `filter` is NULL in the hooks. [startup] */
    bool (*create)(const struct flexilib_core *core, const struct flexilib_value *options, void **filter);
    /* Ends that use; no exchange is left that could call it. [loop] */
    void (*destroy)(void *filter);

    /* The request's head is there, the route is found. In the chain's order. */
    flexilib_answer (*on_request_head)(void *filter, struct flexilib_exchange *exchange);
    /* The request's body: in this version one call with all of it and last set; also without a body, with length 0. */
    flexilib_answer (*on_request_body)(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last);
    /* The response's head is there, from the upstream or from a later filter. In the chain's reverse order. */
    flexilib_answer (*on_response_head)(void *filter, struct flexilib_exchange *exchange);
    /* A piece of the response's body. The last call has last set, possibly with length 0. */
    flexilib_answer (*on_response_body)(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last);
    /* A pause of this filter has ended; answers as the hook that paused would have. In a body hook's pause, what was
     * passed or written before it has not gone on yet, and pass and write still work (pass does not: the piece is
     * gone). */
    flexilib_answer (*on_resume)(void *filter, struct flexilib_exchange *exchange, void *result);
    /* The exchange is over, however it ended. Comes exactly once to every filter that had any hook called. */
    void (*on_end)(void *filter, struct flexilib_exchange *exchange);
};

/* The one symbol that a library exports. The first three members never move. */
struct flexilib_library {
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t size;        /* sizeof(struct flexilib_library) when it was built */
    uint32_t filter_size; /* the sizes of the other tables when it was built: the step from one item to the next */
    uint32_t option_size;
    uint32_t value_size;
    uint32_t filter_count;
    const struct flexilib_filter *filters;
};

/* What every library ends with: FLEXILIB_LIBRARY(filters); for an array of struct flexilib_filter. */
#define FLEXILIB_LIBRARY(array)                                                                                        \
    FLEXILIB_EXPORT extern const struct flexilib_library flexilib_library;                                             \
    const struct flexilib_library flexilib_library = {FLEXILIB_ABI_MAJOR,                                              \
                                                      FLEXILIB_ABI_MINOR,                                              \
                                                      sizeof(struct flexilib_library),                                 \
                                                      sizeof(struct flexilib_filter),                                  \
                                                      sizeof(struct flexilib_option),                                  \
                                                      sizeof(struct flexilib_value),                                   \
                                                      sizeof(array) / sizeof((array)[0]),                              \
                                                      (array)}

#ifdef __cplusplus
}
#endif

#endif
