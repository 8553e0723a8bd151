#include "files/file_source.h"

#include "base/content_type.h"
#include "base/log.h"
#include "files/file_conditions.h"
#include "files/file_lookup.h"
#include "files/fixed_response.h"
#include "http/byte_range.h"
#include "http/http_date.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

enum {
    PIECE_BYTES = 64 * 1024,
    /* what a filter that swallows a body may have in one go, before others have their turn */
    MOST_PIECES = 16,
};

/* Lives in the exchange's arena, and so does its buffer. */
struct file_source {
    struct loop *loop;
    struct exchange *exchange;
    void (*on_over)(struct exchange *exchange);
    const char *root;
    struct slice type;
    int fd;
    uint64_t offset, left;
    char *buffer;
    size_t capacity;
    unsigned pieces;
    struct timer timer; /* of a piece that is put off */
};

static void close_file(struct file_source *source)
{
    timer_stop(source->loop, &source->timer);
    if (source->fd != -1)
        close(source->fd);
    source->fd = -1;
}

static void fail(struct file_source *source, const char *reason)
{
    struct exchange *exchange = source->exchange;
    log_line(LOG_LEVEL_ERROR, "files '%s': %s (request %.*s)", source->root, reason, SLICE_ARG(exchange->id));
    close_file(source);
    source->on_over(exchange);
    exchange_fail(exchange, 500);
}

static size_t choose_piece(const struct file_source *source)
{
    const struct exchange_room *room = source->exchange->room;
    size_t most = room != NULL && room->piece_bytes < PIECE_BYTES ? room->piece_bytes : PIECE_BYTES;
    if (most < source->capacity)
        most = source->capacity;
    return source->left < most ? (size_t)source->left : most;
}

/* Where there is little room at first there may be more later: each buffer is much larger than the one before. */
static void make_buffer(struct file_source *source, size_t wanted)
{
    if (wanted <= source->capacity)
        return;
    source->buffer = arena_alloc(&source->exchange->arena, wanted);
    source->capacity = wanted;
}

static void deliver(struct file_source *source)
{
    struct exchange *exchange = source->exchange;
    size_t wanted = choose_piece(source);
    ssize_t length = 0;
    if (wanted != 0) {
        make_buffer(source, wanted);
        length = pread(source->fd, source->buffer, wanted, (off_t)source->offset);
        if (length <= 0) {
            char words[128];
            fail(source, length == 0 ? "a file has shrunk while it was sent" : strerror_r(errno, words, sizeof(words)));
            return;
        }
    }
    source->offset += (uint64_t)length;
    source->left -= (uint64_t)length;
    bool is_last = source->left == 0;
    if (is_last) {
        close_file(source);
        source->on_over(exchange);
    }
    exchange_response_body(exchange, slice_of(source->buffer, (size_t)length), is_last);
}

static void on_turn(struct timer *timer)
{
    deliver(timer->data);
}

static void pull(void *data)
{
    struct file_source *source = data;
    if (++source->pieces % MOST_PIECES != 0)
        deliver(source);
    else
        timer_start(source->loop, &source->timer, 0);
}

static void cancel(void *data)
{
    close_file(data);
}

static const struct response_source_calls calls = {.pull = pull, .cancel = cancel};

static void add_header(struct exchange *exchange, struct slice name, struct slice value)
{
    headers_add(&exchange->response.headers, &exchange->arena, name, value);
}

static bool is_head(const struct exchange *exchange)
{
    return slice_equals(exchange->request.method, SLICE("HEAD"));
}

/* The error page where there is one for this status, text otherwise. */
static struct response_source refuse(struct exchange *exchange, int status, struct slice text,
                                     void (*on_over)(struct exchange *exchange))
{
    const struct error_page *page = exchange_find_page(exchange, status);
    add_header(exchange, SLICE("content-type"), page != NULL ? page->type : SLICE("text/plain"));
    return fixed_response_send(exchange, status, page != NULL ? page->content : text, on_over);
}

static struct response_source refuse_method(struct exchange *exchange, void (*on_over)(struct exchange *exchange))
{
    add_header(exchange, SLICE("allow"), SLICE("GET, HEAD"));
    return refuse(exchange, 405, SLICE("405 Method Not Allowed\n"), on_over);
}

/* As relative links in a folder's index expect it. */
static struct response_source add_slash(struct exchange *exchange, void (*on_over)(struct exchange *exchange))
{
    static const struct redirect_part parts[] = {
        {REDIRECT_PART_PATH, {NULL, 0}}, {REDIRECT_PART_TEXT, {"/", 1}}, {REDIRECT_PART_QUERY, {NULL, 0}}};
    static const struct redirect_settings redirect = {301, parts, sizeof(parts) / sizeof(parts[0])};
    return fixed_response_redirect(exchange, &redirect, on_over);
}

/* Fills the fields that a response for this file has, also a 304, and says by what conditions judge it. */
static struct file_validators describe(struct exchange *exchange, const struct files_settings *files,
                                       const struct file_lookup *lookup)
{
    const struct stat *status = &lookup->status;
    char *date = arena_alloc(&exchange->arena, HTTP_DATE_BYTES);
    uint64_t modified_ns = (uint64_t)status->st_mtim.tv_sec * 1000000000 + (uint64_t)status->st_mtim.tv_nsec;
    struct slice tag =
        arena_print(&exchange->arena, "\"%" PRIx64 "-%" PRIx64 "%s%.*s\"", modified_ns, (uint64_t)status->st_size,
                    lookup->coding.length == 0 ? "" : "-", SLICE_ARG(lookup->coding));
    /* a date to come would be no date (RFC 9110 section 8.8.2.1) */
    time_t now = time(NULL), modified = status->st_mtim.tv_sec < now ? status->st_mtim.tv_sec : now;
    http_date_format(date, modified);
    add_header(exchange, SLICE("etag"), tag);
    add_header(exchange, SLICE("last-modified"), slice_from_text(date));
    if (files->is_precompressed)
        add_header(exchange, SLICE("vary"), SLICE("Accept-Encoding"));
    return (struct file_validators){.tag = tag, .modified = modified};
}

/* Which bytes are sent, and the status that goes with that: 200, 206 or 416. */
static int choose_bytes(struct exchange *exchange, const struct file_validators *file, uint64_t size,
                        struct byte_range *range)
{
    const struct header *field = headers_find(&exchange->request.headers, SLICE("range"));
    *range = (struct byte_range){0, size};
    add_header(exchange, SLICE("accept-ranges"), SLICE("bytes"));
    if (field == NULL || is_head(exchange) ||
        !file_conditions_allow_range(&exchange->request.headers, file, time(NULL)))
        return 200;
    switch (byte_range_parse(field->value, size, range)) {
    case BYTE_RANGE_ONE:
        add_header(exchange, SLICE("content-range"),
                   arena_print(&exchange->arena, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range->start,
                               range->start + range->length - 1, size));
        return 206;
    case BYTE_RANGE_NONE:
        add_header(exchange, SLICE("content-range"), arena_print(&exchange->arena, "bytes */%" PRIu64, size));
        return 416;
    case BYTE_RANGE_IGNORED:
        break;
    }
    return 200;
}

static struct response_source send_bytes(struct file_source *source, int status, const struct byte_range *range,
                                         const struct file_lookup *lookup)
{
    struct exchange *exchange = source->exchange;
    if (lookup->coding.length != 0)
        add_header(exchange, SLICE("content-encoding"), lookup->coding);
    add_header(exchange, SLICE("content-type"),
               source->type.length != 0 ? source->type : content_type_find(lookup->name));
    source->offset = range->start;
    source->left = is_head(exchange) ? 0 : range->length;
    exchange->response.status = status;
    exchange->response.body_length = (int64_t)range->length;
    exchange_response_head(exchange);
    return (struct response_source){&calls, source};
}

/* Answers with a file that is found, unless conditions or ranges say otherwise; then the file is closed here. */
static struct response_source send_file(struct file_source *source, const struct files_settings *files,
                                        const struct file_lookup *lookup)
{
    struct exchange *exchange = source->exchange;
    struct file_validators validators = describe(exchange, files, lookup);
    struct byte_range range;
    switch (file_conditions_judge(&exchange->request.headers, &validators)) {
    case FILE_NOT_MODIFIED:
        close_file(source);
        return fixed_response_send(exchange, 304, SLICE_NONE, source->on_over);
    case FILE_FAILED:
        close_file(source);
        return refuse(exchange, 412, SLICE("412 Precondition Failed\n"), source->on_over);
    case FILE_SEND:
        break;
    }
    int status = choose_bytes(exchange, &validators, (uint64_t)lookup->status.st_size, &range);
    if (status != 416)
        return send_bytes(source, status, &range, lookup);
    close_file(source);
    return refuse(exchange, 416, SLICE("416 Range Not Satisfiable\n"), source->on_over);
}

static struct file_source *make_source(struct loop *loop, struct exchange *exchange, const struct files_settings *files,
                                       int fd, void (*on_over)(struct exchange *exchange))
{
    struct file_source *source = arena_zalloc(&exchange->arena, sizeof(*source));
    *source = (struct file_source){
        .loop = loop,
        .exchange = exchange,
        .on_over = on_over,
        .root = files->root,
        .type = files->type,
        .fd = fd,
        .timer = {.on_timeout = on_turn, .data = source},
    };
    return source;
}

struct response_source file_source_start(struct loop *loop, struct exchange *exchange,
                                         const struct files_settings *files, void (*on_over)(struct exchange *exchange))
{
    struct file_lookup lookup;
    if (!slice_equals(exchange->request.method, SLICE("GET")) && !is_head(exchange))
        return refuse_method(exchange, on_over);
    switch (file_lookup_find(exchange, files, &lookup)) {
    case FILE_FOUND:
        return send_file(make_source(loop, exchange, files, lookup.fd, on_over), files, &lookup);
    case FILE_IS_FOLDER:
        return add_slash(exchange, on_over);
    case FILE_MISSING:
        exchange_answer(exchange, 404, NULL);
        break;
    case FILE_BROKEN:
        exchange_answer(exchange, 503, NULL);
        break;
    }
    return RESPONSE_SOURCE_NONE;
}
