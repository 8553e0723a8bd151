#ifndef FLEXILIB_FILTER_H
#define FLEXILIB_FILTER_H

/* FlexiLib's filter contract.
 *
 * A library is an ordinary shared object that exports one constant, `flexilib_library`. It offers filters; a filter is
 * used in the chain of a route, where it sees requests on their way in and responses on their way out, may change both,
 * or may answer by itself. Nothing else is needed to build one: this header, a C compiler and -shared -fPIC.
 *
 * Memory, one rule. What FlexiLib passes is borrowed until the call returns; what a filter passes is copied before the
 * call returns (a reply's body may be lent instead). Nobody frees the other's memory. Text is pointer plus length and
 * not NUL-terminated.
 *
 * Threads, one rule. Every call in either direction happens on the worker's event-loop thread, except what is marked
 * [any thread]. A worker is a process, so a filter needs no locks; and a hook that blocks stops that worker, unless the
 * filter is marked FLEXILIB_BLOCKING: its hooks run on threads of a pool. Nothing may be thrown out of a hook: a C++
 * exception or a Rust panic ends the worker there, and the log names the filter.
 *
 * Tags: [startup] in create only. [loop] any call on the loop thread. [in exchange] while a hook runs for that
 * exchange, on the thread that the hook runs on. All of them work for filters in a process of their own (isolated)
 * too; extensions say so each for itself, and are not there for isolated filters where they do not.
 *
 * Versions. A library says which minor it needs; it is accepted where the major numbers are equal and that minor is not
 * above FlexiLib's. Whatever is newer than what it needs, it asks for by FLEXILIB_HAS first. Major 0 may still change;
 * from 1.0 on, whatever a library was built against stays.
 * Changes: 0.9 first published; core->tls came later, then everything from core->trace_id on, flags and what follows
 * it in flexilib_filter, options from FLEXILIB_OPTION_NUMBER on, and request bodies that come in pieces. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the contract that this header is. */
#define FLEXILIB_ABI_MAJOR 0
#define FLEXILIB_ABI_MINOR 9

/* Stands in front of what a library exports. */
#if defined(__cplusplus)
#define FLEXILIB_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define FLEXILIB_EXPORT extern __attribute__((visibility("default")))
#endif

/* Some bytes, of which data is the first. */
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

/* The two arguments that core calls take for a text, made of a string literal:
 * core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-color"), FLEXILIB_ARG("blue")). */
#define FLEXILIB_ARG(literal) "" literal, sizeof(literal) - 1

/* One request and its response, as a filter may see it. Valid from the first hook called with it until on_end returns.
 */
struct flexilib_exchange;

/* What a hook answers. Any other number blames the filter in the log and counts as FLEXILIB_FAIL.
 *
 * A reply goes back through the response hooks of the filters that stand before this one in the chain; those behind it
 * have no part in it. In a response hook a reply takes the place of the response at hand, which is possible only until
 * its head has been sent; the filters before this one then see the new head, even where they have seen the old one.
 * FLEXILIB_REPLY where no reply was set, or too late for one, blames the filter: 500, or the connection is cut.
 *
 * A failure is answered with 503 where the configuration says `on_error: closed` (the default), which goes back like a
 * reply. With `on_error: open` the exchange goes on without this filter, unless it has already decided about a part of
 * a body that is under way. Where the response's head has been sent, the connection is cut. */
typedef int32_t flexilib_answer;
#define FLEXILIB_CONTINUE 0 /* go on; a handler, which has to answer, gets 500 and the blame for it at the end */
#define FLEXILIB_PAUSE    1 /* wait until core->resume is called with the ticket taken in this hook */
#define FLEXILIB_REPLY    2 /* the reply set with core->reply in this hook is the response */
#define FLEXILIB_FAIL     3 /* the filter cannot do its work */

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

/* What is known of the TLS that the client speaks: texts, from core->tls. Numbers that this FlexiLib does not know are
 * facts that are not there. Where a trusted proxy stands in front, they are about the proxy's connection. */
typedef int32_t flexilib_tls_fact;
#define FLEXILIB_TLS_VERSION     1 /* TLSv1.3, TLSv1.2 */
#define FLEXILIB_TLS_CIPHER      2 /* as IANA calls it: TLS_AES_256_GCM_SHA384 */
#define FLEXILIB_TLS_PROTOCOL    3 /* that both sides have agreed on (ALPN): h2, http/1.1 */
#define FLEXILIB_TLS_SERVER_NAME 4 /* what the client calls us (SNI), in lower case */
#define FLEXILIB_TLS_RESUMED     5 /* yes, where an earlier session was taken up again; no */
/* Of the certificate that the client has shown: not there where it has shown none, or was not asked for one. With a
 * listener's `verify: unchecked` it may be anybody's: nothing in it counts unless CLIENT_VERIFIED says yes. */
#define FLEXILIB_TLS_CLIENT_VERIFIED    6  /* yes, or why not, as "certificate has expired" */
#define FLEXILIB_TLS_CLIENT_SUBJECT     7  /* CN=alice,O=Example (RFC 4514) */
#define FLEXILIB_TLS_CLIENT_ISSUER      8  /* likewise */
#define FLEXILIB_TLS_CLIENT_SERIAL      9  /* hexadecimal, in upper case */
#define FLEXILIB_TLS_CLIENT_FINGERPRINT 10 /* SHA-256, 64 hexadecimal digits in lower case */
#define FLEXILIB_TLS_CLIENT_NAMES       11 /* alternative names, one a line: DNS:a.example, URI:..., email:..., IP:... */
#define FLEXILIB_TLS_CLIENT_NOT_BEFORE  12 /* 2026-11-22T06:41:01Z */
#define FLEXILIB_TLS_CLIENT_NOT_AFTER   13 /* likewise */
#define FLEXILIB_TLS_CLIENT_DER         14 /* the certificate itself: bytes */
#define FLEXILIB_TLS_CLIENT_PEM         15 /* likewise, as text */
#define FLEXILIB_TLS_CLIENT_CERT        16 /* as the field Client-Cert says it (RFC 9440); only where it was verified */

/* Compiled by FlexiLib from options, for core->expand, core->match and core->in_ranges. */
struct flexilib_template;
struct flexilib_regex;
struct flexilib_ranges;

/* Types of options. In YAML an option of each type is written as told here. */
typedef int32_t flexilib_option_type;
#define FLEXILIB_OPTION_BOOL      1 /* yes, no, true, false, on, off */
#define FLEXILIB_OPTION_INTEGER   2 /* a whole number */
#define FLEXILIB_OPTION_DURATION  3 /* 250ms, 1.5s, 10m; given in milliseconds as integer */
#define FLEXILIB_OPTION_SIZE      4 /* 512, 64KB, 16MB; given in bytes as integer */
#define FLEXILIB_OPTION_TEXT      5 /* any scalar */
#define FLEXILIB_OPTION_LIST      6 /* a list of texts, or one text */
#define FLEXILIB_OPTION_MAP       7 /* a mapping of texts to texts, in the file's order */
#define FLEXILIB_OPTION_SECRET    8 /* a text that is never shown in logs and messages */
#define FLEXILIB_OPTION_FILE      9 /* a path, relative to the file that names it; given as the file's content in text */
#define FLEXILIB_OPTION_NUMBER    10 /* 0.5, 2, 1e3; given as number; minimum and maximum count */
#define FLEXILIB_OPTION_CHOICE    11 /* one of choices; given as its index in integer, and as text */
#define FLEXILIB_OPTION_REGEX     12 /* a regular expression (PCRE2); given as regex */
#define FLEXILIB_OPTION_TEMPLATE  13 /* a text with {placeholders} (doc/configuration.md); given as expansion */
#define FLEXILIB_OPTION_UPSTREAM  14 /* the name of an upstream; given as text; in integer a number for its servers */
#define FLEXILIB_OPTION_RANGES    15 /* addresses and networks: [10.0.0.0/8, "::1"], or one; given as ranges */
#define FLEXILIB_OPTION_DIRECTORY 16 /* a folder that is there, like FILE; given as its absolute path in text */
#define FLEXILIB_OPTION_TABLE     17 /* a mapping with keys of its own, told by fields; given as values, in their order */
#define FLEXILIB_OPTION_LIST_OF   18 /* a list whose items are as fields[0] says; given as count values */
#define FLEXILIB_OPTION_MAP_OF    19 /* a mapping whose values are as fields[0] says; their names in list, then values */
#define FLEXILIB_OPTION_ANY       20 /* whatever stands there, as a tree; given as node */

/* One option that a filter takes. FlexiLib reads, checks and reports it with file, line and column. */
struct flexilib_option {
    const char *name;
    flexilib_option_type type;
    bool required;
    const char *fallback;     /* the default as a scalar in YAML, or NULL: then `present` is false. For a list one item,
                               * or "[]"; for a map "{}" only; none for TABLE, LIST_OF, MAP_OF, ANY */
    int64_t minimum, maximum; /* for numbers, durations and sizes; both 0 means any */
    const char *summary;      /* one line for the manual */
    const char *const *choices;           /* for CHOICE, NULL at the end */
    const struct flexilib_option *fields; /* for TABLE field_count of them; for LIST_OF and MAP_OF one, without name */
    size_t field_count;
};

struct flexilib_pair {
    struct flexilib_text name;
    struct flexilib_text value;
};

/* A piece of YAML. The struct is complete: it never grows. */
struct flexilib_node {
    int32_t kind;                      /* FLEXILIB_NODE_... */
    int32_t line;                      /* in the file */
    struct flexilib_text text;         /* of a scalar */
    const struct flexilib_text *names; /* of a mapping: count of them */
    const struct flexilib_node *items; /* of a list or a mapping: count of them */
    size_t count;
};
#define FLEXILIB_NODE_NULL   0
#define FLEXILIB_NODE_SCALAR 1
#define FLEXILIB_NODE_LIST   2
#define FLEXILIB_NODE_MAP    3

/* An option's value as create receives it. What it points to lives as long as the filter. */
struct flexilib_value {
    bool present; /* written in the file, or having a fallback */
    bool boolean;
    int64_t integer;
    struct flexilib_text text;
    const struct flexilib_text *list; /* count items */
    const struct flexilib_pair *map;  /* count items */
    size_t count;
    double number;
    const struct flexilib_regex *regex;
    const struct flexilib_template *expansion;
    const struct flexilib_ranges *ranges;
    const struct flexilib_value *values;
    const struct flexilib_node *node;
};

/* FlexiLib as a filter sees it. Handed to create, valid until destroy returned. Later minors add calls at the end. */
struct flexilib_core {
    size_t size;

    /* Writes one line to the log, with the filter's name and, where exchange is not NULL, the request's id. What is
     * longer than 1,500 bytes is cut. [loop] */
    void (*log)(const struct flexilib_core *core, const struct flexilib_exchange *exchange, flexilib_level level,
                const char *data, size_t length);

    /* Says what is wrong with the option of that number in the table (any negative number: with all of them); create
     * then returns false and the message appears with the option's place in the file. The first call counts. A
     * sentence: lower case, no full stop, what is wrong first. [startup] */
    void (*refuse)(const struct flexilib_core *core, int32_t option, const char *sentence, size_t length);

    /* The request line, one part at a time. Path is in canonical form, "/" at least; query is without its "?";
     * authority is the Host. The setters change what later filters see and what is forwarded, never the route; so they
     * work in the request hooks only. They return false, and log why, where the text cannot stand in a request: a path
     * begins with "/" and has its special characters escaped. An empty query takes the "?" away. [in exchange] */
    struct flexilib_text (*method)(const struct flexilib_exchange *exchange);
    bool (*set_method)(struct flexilib_exchange *exchange, const char *data, size_t length);
    struct flexilib_text (*scheme)(const struct flexilib_exchange *exchange);
    struct flexilib_text (*authority)(const struct flexilib_exchange *exchange);
    bool (*set_authority)(struct flexilib_exchange *exchange, const char *data, size_t length);
    struct flexilib_text (*path)(const struct flexilib_exchange *exchange);
    bool (*set_path)(struct flexilib_exchange *exchange, const char *data, size_t length);
    struct flexilib_text (*query)(const struct flexilib_exchange *exchange);
    bool (*set_query)(struct flexilib_exchange *exchange, const char *data, size_t length);

    /* The response's status, 0 before there is one; settable from 200 to 599 until the head has been sent, that is, in
     * on_response_head, and in on_response_body while the head is held. [in exchange] */
    int32_t (*status)(const struct flexilib_exchange *exchange);
    bool (*set_status)(struct flexilib_exchange *exchange, int32_t status);

    /* Header fields of either half, in order; names compare without case. Fields that frame messages or belong to one
     * connection (content-length, transfer-encoding, connection, ...) are FlexiLib's: they are not listed, and setting
     * one is refused with false and a line in the log; so is a name that is no token, and a value with CR, LF, NUL or
     * another control character. The Host is not listed either: see authority. When the request is forwarded,
     * FlexiLib adds to X-Forwarded-For, Forwarded and Via, as the route has it, and X-Forwarded-Host and -Proto where
     * they are not there, and leaves Expect out. What clients that are not trusted proxies have said by these fields,
     * and by X-Real-IP and the like, is not there.
     *
     * The request's fields can be changed in on_request_head, the response's in on_response_head, and both while the
     * head is held (see collect and hold_head). In any hook that goes on to reply, response fields set in that hook
     * become the reply's; without a reply they are forgotten. Texts that the getters give stay valid until the exchange
     * ends. [in exchange] */
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

    /* The client's address as text without port, its port (0 where it is not known; a trusted proxy may have told
     * both), the route's name or its place in the file, and the request id of the log. [in exchange] */
    struct flexilib_text (*peer_address)(const struct flexilib_exchange *exchange);
    uint16_t (*peer_port)(const struct flexilib_exchange *exchange);
    struct flexilib_text (*route)(const struct flexilib_exchange *exchange);
    struct flexilib_text (*request_id)(const struct flexilib_exchange *exchange);

    /* Memory that lives until on_end returned, aligned for any type, of undefined content. Never NULL. [in exchange] */
    void *(*allocate)(struct flexilib_exchange *exchange, size_t size);

    /* A pointer of the filter's own for this exchange, NULL until set. [in exchange] */
    void *(*state)(const struct flexilib_exchange *exchange);
    void (*set_state)(struct flexilib_exchange *exchange, void *state);

    /* Sets the whole response: status 200 to 599 and body; the content type is set where it is given and not empty.
     * Header fields of the response set before or after, in the same hook, are kept. Then answer FLEXILIB_REPLY. Called
     * again, it replaces status and body, and the content type where one is given. False where the head has been sent.
     * [in exchange] */
    bool (*reply)(struct flexilib_exchange *exchange, int32_t status, const char *content_type,
                  size_t content_type_length, const char *body, size_t body_length);

    /* In a body hook: sends on what the hook was given, or bytes of the filter's own; in any order and number. What is
     * neither passed nor replaced is gone: a body hook that only looks calls pass and answers FLEXILIB_CONTINUE. The
     * lengths that frame the message are FlexiLib's concern. In on_reply_body, write adds to the reply. False
     * elsewhere. [in exchange] */
    bool (*pass)(struct flexilib_exchange *exchange);
    bool (*write)(struct flexilib_exchange *exchange, const char *data, size_t length);

    /* The number that ends the pause this hook is about to ask for. A new one for each pause: an earlier one of this
     * filter for the same half is spent. 0, which ends no pause, outside of a hook and in on_end. Hand it to whoever
     * does the waiting, with the core, and answer FLEXILIB_PAUSE; the pointer to the exchange stays here. [in exchange]
     */
    uint64_t (*ticket)(struct flexilib_exchange *exchange);

    /* Ends a pause: on the loop thread, soon, on_resume is called with result, which is the filter's from then on.
     * Where nobody takes the result (the client has gone, the pause has taken too long, the ticket is spent, the filter
     * has no on_resume) drop(result) is called on the loop thread instead, if drop is not NULL; perhaps after destroy,
     * so it frees the result and touches nothing else. May come at any time, even before the hook has answered
     * FLEXILIB_PAUSE; a second call for a ticket does nothing but put a line into the log, and so does one for a ticket
     * of another library; once the exchange is over, nothing at all. [any thread] */
    void (*resume)(const struct flexilib_core *core, uint64_t ticket, void *result, void (*drop)(void *result));

    /* The extension of that id, as "flexilib.timer/1", or NULL where this FlexiLib has none. [loop] */
    const void *(*extension)(const struct flexilib_core *core, const char *id);

    /* A fact about the TLS that the client speaks; false where it is not there, as it is for all of them on a plain
     * connection. The text stays valid until the exchange ends. Nothing is computed before it is asked for, and then
     * once for a connection. [in exchange] */
    bool (*tls)(const struct flexilib_exchange *exchange, flexilib_tls_fact fact, struct flexilib_text *value);

    /* The trace that the request belongs to: 32 hexadecimal digits, from its traceparent (W3C Trace Context) or made
     * for it. [in exchange] */
    struct flexilib_text (*trace_id)(const struct flexilib_exchange *exchange);

    /* Named values of an exchange, for filters that come later, for templates and for the log: {jwt.sub} is what filter
     * "jwt" has set by the name "jwt.sub". A name is FILTER.NAME, of a-z, 0-9, ".", "-" and "_", and begins with no
     * word that a placeholder of FlexiLib's begins with. A value is any text without control characters, of 16 KB at
     * most; 64 of them may take 256 KB. Setting one again replaces it. [in exchange] */
    bool (*set_attribute)(struct flexilib_exchange *exchange, const char *name, size_t name_length, const char *value,
                          size_t value_length);
    bool (*attribute)(const struct flexilib_exchange *exchange, const char *name, size_t name_length,
                      struct flexilib_text *value);

    /* What a template says for this exchange now; a placeholder without a value is empty. [in exchange] */
    struct flexilib_text (*expand)(struct flexilib_exchange *exchange, const struct flexilib_template *expansion);

    /* Looks for the regular expression in the text, from that byte on. Fills up to count groups (the whole match is the
     * first; data is NULL for a group that took no part) and returns how many there are, 0 where nothing matches, also
     * where matching takes too long. [any thread] */
    size_t (*match)(const struct flexilib_regex *regex, const char *data, size_t length, size_t from,
                    struct flexilib_text *groups, size_t count);

    /* Whether an address (as peer_address gives it) is in one of the ranges. [any thread] */
    bool (*in_ranges)(const struct flexilib_ranges *ranges, const char *address, size_t length);

    /* Says what servers and later filters are told of how the client speaks: "http" or "https". As set_path.
     * [in exchange] */
    bool (*set_scheme)(struct flexilib_exchange *exchange, const char *data, size_t length);

    /* Chooses the upstream of that name in place of the route's; its settings about paths and fields stay. False, with
     * a line in the log, where there is none of that name, or the route forwards to none. As set_path. [in exchange] */
    bool (*set_upstream)(struct flexilib_exchange *exchange, const char *name, size_t length);

    /* In the head hook of that half: has its body hook called once, with the whole body; the head is held till then. A
     * body of more than limit bytes fails the filter: 413 for a request's, 502 for a response's, and with `on_error:
     * open` it goes on without it, nothing lost. Needs the body hook of that half, and is false without it.
     * [in exchange] */
    bool (*collect)(struct flexilib_exchange *exchange, flexilib_half half, uint64_t limit);

    /* In the head hook of that half: the head goes no further, and stays changeable, until the body hook has passed or
     * written a first byte or had its last call. [in exchange] */
    bool (*hold_head)(struct flexilib_exchange *exchange, flexilib_half half);

    /* Takes the Content-Encoding (gzip, deflate, br, zstd) off the body of that half, for this filter and all that come
     * after it: with it go what was said of the coded bytes (digests, ranges), and the entity tag is weak. In the
     * half's head hook; false where the coding is another, or the response is a part (206). For responses it is also
     * called in on_request_head, which makes a server likely to send what can be decoded: Range is taken out of the
     * request, and Accept-Encoding narrowed. [in exchange] */
    bool (*decode)(struct flexilib_exchange *exchange, flexilib_half half);

    /* As reply, for a body that is lent: release(data) is called once, on the loop thread, when nobody reads it any
     * more; also where this returns false. [in exchange] */
    bool (*reply_lent)(struct flexilib_exchange *exchange, int32_t status, const char *content_type,
                       size_t content_type_length, const char *body, size_t body_length, void (*release)(void *data),
                       void *data);

    /* As reply, for a body that comes by and by: on_reply_body is called for it whenever the client can take more.
     * [in exchange] */
    bool (*reply_stream)(struct flexilib_exchange *exchange, int32_t status, const char *content_type,
                         size_t content_type_length);
    /* In on_reply_body, or where that resumes: what was written so far ends the body. [in exchange] */
    bool (*end_reply)(struct flexilib_exchange *exchange);

    /* In create: something has to be done before requests can be served, as keys to be fetched. The worker waits until
     * set_ready is called, for `create_timeout` at most. [startup] */
    void (*defer_ready)(const struct flexilib_core *core);
    /* Ends that wait. With a sentence, which is written as for refuse, it has failed, and the configuration is refused.
     * [any thread] */
    void (*set_ready)(const struct flexilib_core *core, const char *sentence, size_t length);

    /* As refuse, for any value in what create was given, also in a table or a list. [startup] */
    void (*refuse_value)(const struct flexilib_core *core, const struct flexilib_value *value, const char *sentence,
                         size_t length);

    /* In the head hook of that half: the filter does not want the body of this one. It goes on as if the filter had no
     * body hook for it: lengths stay, and nothing is slowed down. [in exchange] */
    bool (*skip_body)(struct flexilib_exchange *exchange, flexilib_half half);
};

/* Whether this FlexiLib has the core call, of a minor that the library does not need. */
#define FLEXILIB_HAS(core, call) ((core)->size > offsetof(struct flexilib_core, call))

/* What a filter is, in flexilib_filter.flags. */
/* Its hooks may take long: they run on threads of a pool (create and destroy do not), one at a time for each use of the
 * filter, while the exchange waits. There log is open to them too; extensions marked [loop] are not. What takes longer
 * than `handler_timeout` is answered 504 before the hook returns; on_end comes then. A request's body is forwarded when
 * all of it has passed such a filter's on_request_body. */
#define FLEXILIB_BLOCKING UINT32_C(1)
/* With BLOCKING: its hooks may run for several exchanges at once. */
#define FLEXILIB_CONCURRENT UINT32_C(2)
/* It owns something that its successor needs too, as a port: see quiesce. */
#define FLEXILIB_EXCLUSIVE UINT32_C(4)

/* Its body hooks look at pieces and change none: all of a piece goes on by itself, so lengths stay, and pass and write
 * are refused. */
#define FLEXILIB_OBSERVES UINT32_C(8)

/* One filter that a library offers. All hooks are optional. `filter` is what create gave. An exchange calls one hook at
 * a time, whichever half it belongs to; while one half pauses, hooks of the other and of other exchanges are called. */
struct flexilib_filter {
    const char *name;    /* as the configuration calls it: lower case, digits, "-" */
    const char *summary; /* one line for people */
    const char *version; /* of the filter, any text */

    const struct flexilib_option *options; /* option_count items */
    size_t option_count;

    /* Makes one use of the filter in a chain, in each worker. options are in the table's order. Keeps core where hooks
     * need it. Returns false after core->refuse; what it had made it then frees itself, as destroy is not called.
     * Without create, `filter` is NULL in the hooks, and core is out of reach. [startup] */
    bool (*create)(const struct flexilib_core *core, const struct flexilib_value *options, void **filter);
    /* Ends that use; no exchange is left that could call it. Threads of the filter's own must have ended when it
     * returns. [loop] */
    void (*destroy)(void *filter);

    /* The request's head is there, the route is found. In the chain's order. The body follows when the head has gone
     * through the whole chain, or where a filter holds it. */
    flexilib_answer (*on_request_head)(void *filter, struct flexilib_exchange *exchange);
    /* A piece of the request's body, when whoever takes it can take more; the last call has last set, possibly with
     * length 0, as for a request without a body. The upstream may have the head already, and its response may be on its
     * way back. With this hook in a chain the length of a forwarded body is not known beforehand, unless it is
     * collected or was all there with the head. In a handler the whole body is asked for unless it replies before. */
    flexilib_answer (*on_request_body)(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last);
    /* The response's head is there, from the upstream, a later filter, or FlexiLib itself (404, 502, ...). In the
     * chain's reverse order. Comes again where a filter behind this one replaces the response. Interim responses (103
     * and the like) and trailers pass by unseen. Status 101 says that the connection becomes a tunnel for another
     * protocol, whose bytes no filter sees; another status or a reply prevents that. */
    flexilib_answer (*on_response_head)(void *filter, struct flexilib_exchange *exchange);
    /* A piece of the response's body, as soon as it comes. The last call has last set, possibly with length 0. Not
     * called where there can be no body: HEAD, 101, 204, 304. With this hook in a chain the length of a forwarded body
     * is not known beforehand, so its Content-Length is left out, unless it is collected. */
    flexilib_answer (*on_response_body)(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last);
    /* A pause of this filter has ended; answers as the hook that paused would have, and may do what that hook may:
     * change the head, reply, pause again, pass and write. What the body hook passed or wrote before the pause goes on
     * together with what is sent here; its data pointer is no longer valid, but pass still sends that piece. */
    flexilib_answer (*on_resume)(void *filter, struct flexilib_exchange *exchange, void *result);
    /* The exchange is over: the last byte is sent, the tunnel has ended, or the client has gone, also during a pause.
     * Comes exactly once to every filter that had any hook called. Here the exchange can be read; nothing can be
     * changed any more. */
    void (*on_end)(void *filter, struct flexilib_exchange *exchange);

    uint32_t flags; /* FLEXILIB_BLOCKING and the like */

    /* The client can take more of the reply that this filter streams: writes some of it, and calls end_reply with the
     * last piece; or pauses until there is something, and is called anew then if there is no on_resume. CONTINUE with
     * nothing written and no end is a failure. */
    flexilib_answer (*on_reply_body)(void *filter, struct flexilib_exchange *exchange);

    /* For FLEXILIB_EXCLUSIVE, whose create comes last of all in a new generation, and for each such filter of that name
     * in older ones after this: gives up what the successor's create needs. False: it cannot be given up, and the
     * replacement fails. New requests are kept back until it is known what becomes of the successor, but those begun
     * before go on after a while, and where the successor serves some may still come. destroy comes as ever. [loop] */
    bool (*quiesce)(void *filter);
    /* The successor did not come about, and its last process is gone: takes it again. [loop] */
    void (*wake)(void *filter);
};

/* The one symbol that a library exports. The first three members never move. */
struct flexilib_library {
    uint16_t abi_major;
    uint16_t abi_minor;   /* that it needs at least */
    uint32_t size;        /* sizeof(struct flexilib_library) when it was built */
    uint32_t filter_size; /* the sizes of the other tables when it was built: the step from one item to the next */
    uint32_t option_size;
    uint32_t value_size;
    uint32_t filter_count;
    const struct flexilib_filter *filters;
};

/* What every library ends with: FLEXILIB_LIBRARY(filters); for an array of struct flexilib_filter. */
#define FLEXILIB_LIBRARY(array) FLEXILIB_LIBRARY_NEEDS(FLEXILIB_ABI_MINOR, array)

/* The same for a library that works with an older minor too. */
#define FLEXILIB_LIBRARY_NEEDS(minor, array)                                                                           \
    FLEXILIB_EXPORT const struct flexilib_library flexilib_library;                                                    \
    const struct flexilib_library flexilib_library = {FLEXILIB_ABI_MAJOR,                                              \
                                                      (minor),                                                         \
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
