#include "front_world.h"
#include "fuzz.h"

/* Bytes of a client, in pieces, through the whole proxy: what a server behind sees of them must be what a strict
 * reading of the same bytes says, request by request, and the client gets one well-formed answer to each. The input's
 * first two bytes say how the others are sent. */

enum {
    MOST_INPUT_BYTES = 16 * 1024,
};

/* The input's first byte. */
enum {
    WAY_EARLY = 1 << 0, /* the server answers before it has the body */
};

/* What is left to be compared. */
struct comparison {
    size_t seen; /* how many of the server's requests were found in the client's */
    bool is_odd; /* the proxy may have refused something, and closed */
    struct slice answers;
};

/* How much of a client's request the server has seen. */
enum found {
    FOUND_NOTHING = 0,
    FOUND_BEGINNING,
    FOUND_WHOLE,
};

/* Compares the server's next request, if there is one, with the client's. */
static enum found take_seen(struct comparison *comparison, const struct strict_request *sent, bool is_sent_whole)
{
    struct strict_request seen = {0};
    if (comparison->seen == world_request_count())
        return FOUND_NOTHING;
    bool is_whole = world_read_request(comparison->seen, &seen) != STRICT_PARTIAL;
    bool is_found = seen.has_head && world_is_same(&seen, is_whole, sent, is_sent_whole);
    if (is_found) {
        ++comparison->seen;
        CLAIM(world_are_fields_known(&seen, sent->fields, sent->field_count));
        CLAIM(world_are_trailers_known(&seen, sent));
        CLAIM(sent->host.length == 0 || slice_equals(seen.host, sent->host));
    }
    strict_request_finish(&seen);
    return !is_found ? FOUND_NOTHING : is_whole ? FOUND_WHOLE : FOUND_BEGINNING;
}

static int take_answer(struct comparison *comparison, const struct strict_request *sent)
{
    /* whether a head that is malformed asks for a body cannot be told */
    bool has_body = !sent->has_head || !slice_equals(sent->method, SLICE("HEAD"));
    return strict_read_response(&comparison->answers, has_body, !sent->has_head);
}

/* A client's request that is whole and clear. What is odd about it may stand in its body, behind what the server has
 * seen already. */
static void compare_good(struct comparison *comparison, const struct strict_request *sent, enum strict_verdict verdict)
{
    enum found found = take_seen(comparison, sent, true);
    int status = take_answer(comparison, sent);
    bool may_be_refused = verdict == STRICT_ODD && found != FOUND_WHOLE;
    CLAIM(found == FOUND_NOTHING || status == 200 || may_be_refused);
    CLAIM(found != FOUND_NOTHING || may_be_refused || comparison->is_odd);
    CLAIM(status != 0 || comparison->is_odd);
    if (found == FOUND_NOTHING || may_be_refused || sent->may_end_connection)
        comparison->is_odd = true;
}

/* One that is cut or malformed: nothing comes behind it. */
static void compare_rest(struct comparison *comparison, const struct strict_request *sent)
{
    if (sent->has_head)
        take_seen(comparison, sent, false);
    CLAIM(comparison->seen == world_request_count());
    take_answer(comparison, sent);
    CLAIM(comparison->answers.length == 0);
}

static void compare(struct slice input)
{
    static struct strict_request sent;
    struct comparison comparison = {.answers = world_answers()};
    bool is_over = false;
    while (!is_over) {
        enum strict_verdict verdict = strict_read_request(&input, &sent);
        if (verdict >= STRICT_PARTIAL) {
            compare_rest(&comparison, &sent);
            break;
        }
        compare_good(&comparison, &sent, verdict);
        is_over = sent.ends_connection;
    }
    CLAIM(comparison.seen == world_request_count() && comparison.answers.length == 0);
    strict_request_finish(&sent);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 3 || size > MOST_INPUT_BYTES)
        return 0;
    struct slice input = slice_of((const char *)bytes + 2, size - 2);
    /* that is the other front's */
    if (slice_starts_with(input, SLICE("PRI * HTTP/2.0\r\n")))
        return 0;
    world_begin((bytes[0] & WAY_EARLY) != 0);
    world_send(input, bytes[1]);
    world_settle();
    compare(input);
    world_end();
    return 0;
}
