#include "client_probe.h"

#include "http/body_reader.h"

enum {
    PIECE_BYTES = 1000,
};

/* Gives a body piece by piece, each after the one before has been asked for: at once or in the loop's next turn. */
struct producer {
    struct probe probe;
    struct client_body body;
    struct timer timer;
    unsigned piece_count, given_count, pull_count;
    unsigned failing_piece; /* the number of the one that does not come, from 1; 0: all come */
    bool is_late, is_last_empty;
    char piece[PIECE_BYTES];
};

static void give_piece(struct producer *producer)
{
    if (++producer->given_count == producer->failing_piece) {
        client_body_fail(producer->probe.request, 400);
        return;
    }
    memset(producer->piece, 'a' + (int)(producer->given_count % 26), sizeof(producer->piece));
    bool is_end = producer->given_count == producer->piece_count + producer->is_last_empty;
    bool is_empty = producer->given_count > producer->piece_count;
    client_body_piece(producer->probe.request, slice_of(producer->piece, is_empty ? 0 : PIECE_BYTES), is_end);
}

static void on_late(struct timer *timer)
{
    give_piece(timer->data);
}

static void pull_piece(void *source, struct client_request *request)
{
    struct producer *producer = source;
    producer->probe.request = request;
    /* one at a time, and none behind the last */
    assert_int_equal(++producer->pull_count, producer->given_count + 1);
    assert_true(producer->given_count < producer->piece_count + producer->is_last_empty);
    if (producer->is_late)
        timer_start(world.loop, &producer->timer, 0);
    else
        give_piece(producer);
}

static void produce(struct producer *producer, unsigned piece_count, bool is_length_known)
{
    producer->piece_count = piece_count;
    producer->timer = (struct timer){.on_timeout = on_late, .data = producer};
    producer->body = (struct client_body){
        .length = is_length_known ? (int64_t)piece_count * PIECE_BYTES : -1,
        .pull = pull_piece,
        .source = producer,
    };
    probe_init(&producer->probe, "PUT", SLICE_NONE);
    producer->probe.request =
        client_send_body(world.client, &producer->probe.exchange, &world.route, &producer->body, on_over);
    world_run();
    timer_stop(world.loop, &producer->timer);
}

/* Reads slowly enough that the client has to wait for it, keeps what comes, and answers once nothing is missing. */
static void collect_body(struct backend *backend)
{
    static char room[4096];
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    struct text *seen = &backend->seen;
    backend->body_start = seen->length;
    bool is_chunked = strstr(seen->data, "Transfer-Encoding: chunked") != NULL;
    for (;;) {
        struct slice body = slice_skip(text_slice(seen), backend->body_start);
        /* an empty body's last chunk stands right behind the head */
        if (is_chunked ? slice_ends_with(slice_skip(text_slice(seen), backend->body_start - 2), SLICE("\r\n0\r\n\r\n"))
                       : body.length == backend->wanted_bytes)
            break;
        ssize_t received = recv(fd, room, sizeof(room), 0);
        if (received <= 0) {
            close(fd);
            return;
        }
        text_add(seen, slice_of(room, (size_t)received));
    }
    backend_say(fd, HELLO);
    assert_true(backend_await_close(fd));
}

static void check_pieces(struct slice body, unsigned piece_count, bool is_chunked)
{
    for (unsigned i = 1; i <= piece_count; ++i) {
        if (is_chunked) {
            assert_true(slice_starts_with(body, SLICE("3e8\r\n")));
            body = slice_skip(body, 5);
        }
        for (size_t j = 0; j < PIECE_BYTES; ++j)
            assert_int_equal(body.data[j], 'a' + (int)(i % 26));
        body = slice_skip(body, PIECE_BYTES);
        if (is_chunked)
            body = slice_skip(body, 2);
    }
    assert_true(slice_equals(body, is_chunked ? SLICE("0\r\n\r\n") : SLICE_NONE));
}

static void pieces_arrive_as_one_body(void **state)
{
    enum {
        MANY = 8000,
    };
    static const unsigned counts[] = {1, 2, MANY, 0};
    for (unsigned i = 0; i < 4 * 2 * 2; ++i) {
        unsigned count = counts[i % 4];
        bool is_length_known = i / 4 % 2 == 1;
        struct backend backend;
        struct producer producer = {.is_late = i >= 8 && count != MANY,
                                    .is_last_empty = count == 0 && !is_length_known};
        backend_listen(&backend, 64);
        backend.wanted_bytes = (size_t)count * PIECE_BYTES;
        backend_run(&backend, collect_body);
        world_open_one(backend.port);
        world_begin();
        produce(&producer, count, is_length_known);
        assert_false(producer.probe.has_failed);
        assert_string_equal(producer.probe.body.data, "hello");
        assert_int_equal(producer.given_count, count + producer.is_last_empty);
        probe_finish(&producer.probe);
        world_close_with_log("");
        backend_join(&backend);
        check_pieces(slice_skip(text_slice(&backend.seen), backend.body_start), count, !is_length_known);
        text_finish(&backend.seen);
    }
}

static void a_body_that_breaks_off_is_never_taken_for_a_whole_one(void **state)
{
    for (unsigned i = 0; i < 2 * 2; ++i) {
        struct backend backend;
        struct producer producer = {.failing_piece = 6, .is_late = i >= 2};
        bool is_length_known = i % 2 == 1;
        backend_listen(&backend, 64);
        backend.wanted_bytes = (size_t)10 * PIECE_BYTES;
        backend_run(&backend, collect_body);
        world_open_one(backend.port);
        world.upstream.retry = (struct retry_settings){.tries = 3, .on_failure = true, .budget_percent = 100};
        world_begin();
        produce(&producer, 10, is_length_known);
        assert_true(producer.probe.has_failed);
        assert_int_equal(producer.probe.failure_status, 400);
        probe_finish(&producer.probe);
        world_close_with_log(
            "error: upstream 'shop': the request's body broke off after 5000 bytes (request 0123456789abcdef)\n");
        backend_join(&backend);
        assert_int_equal(backend.accepted_count, 1);
        struct slice body = slice_skip(text_slice(&backend.seen), backend.body_start);
        assert_int_equal(body.length, is_length_known ? 5 * PIECE_BYTES : 5 * (PIECE_BYTES + 7));
        text_finish(&backend.seen);
    }
}

static void a_body_longer_or_shorter_than_announced_breaks_off(void **state)
{
    for (int i = 0; i < 2; ++i) {
        struct backend backend;
        struct producer producer = {0};
        backend_listen(&backend, 64);
        backend.wanted_bytes = SIZE_MAX;
        backend_run(&backend, collect_body);
        world_open_one(backend.port);
        world_begin();
        producer.piece_count = 3;
        producer.timer = (struct timer){.on_timeout = on_late, .data = &producer};
        producer.body = (struct client_body){
            .length = i == 0 ? 2 * PIECE_BYTES + 500 : 4 * PIECE_BYTES, .pull = pull_piece, .source = &producer};
        probe_init(&producer.probe, "PUT", SLICE_NONE);
        producer.probe.request =
            client_send_body(world.client, &producer.probe.exchange, &world.route, &producer.body, on_over);
        world_run();
        assert_int_equal(producer.probe.failure_status, 500);
        probe_finish(&producer.probe);
        world_close();
        backend_finish(&backend);
    }
}

/* Takes more of the body than the client keeps, and closes. */
static void close_in_body(struct backend *backend)
{
    static char room[4 * 1024 * 1024];
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    recv(fd, room, sizeof(room), MSG_WAITALL);
    close(fd);
}

static void a_body_that_has_begun_cannot_be_sent_again(void **state)
{
    struct backend backend;
    struct producer producer = {.is_late = true};
    backend_start(&backend, close_in_body);
    world_open_one(backend.port);
    world.upstream.retry = (struct retry_settings){.tries = 3, .on_failure = true, .budget_percent = 100};
    world_begin();
    produce(&producer, 100000, false);
    assert_true(producer.probe.has_failed);
    assert_int_equal(producer.probe.failure_status, 502);
    probe_finish(&producer.probe);
    world_close();
    backend_join(&backend);
    assert_int_equal(backend.accepted_count, 1);
    text_finish(&backend.seen);
}

static void a_body_that_was_not_begun_goes_to_the_next_server(void **state)
{
    struct backend backend;
    struct producer producer = {0};
    backend_listen(&backend, 64);
    backend.wanted_bytes = (size_t)3 * PIECE_BYTES;
    backend_run(&backend, collect_body);
    world_open(2);
    world_set_server(0, "/nowhere/to/be/found", 0);
    world_set_server(1, "127.0.0.1", backend.port);
    world_begin();
    produce(&producer, 3, true);
    assert_string_equal(producer.probe.body.data, "hello");
    probe_finish(&producer.probe);
    world_close();
    backend_finish(&backend);
}

/* Loses the first request in mid-body, and collects the next one. */
static void close_once_in_body(struct backend *backend)
{
    static char room[PIECE_BYTES];
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    assert_int_equal(recv(fd, room, sizeof(room), MSG_WAITALL), PIECE_BYTES);
    close(fd);
    text_clear(&backend->seen);
    collect_body(backend);
}

static void what_was_taken_of_a_small_body_is_sent_again(void **state)
{
    for (unsigned i = 0; i < 2 * 2; ++i) {
        struct backend backend;
        struct producer producer = {.is_late = i >= 2};
        bool is_length_known = i % 2 == 1;
        backend_listen(&backend, 64);
        backend.wanted_bytes = (size_t)20 * PIECE_BYTES;
        backend_run(&backend, close_once_in_body);
        world_open_one(backend.port);
        world.upstream.retry = (struct retry_settings){.tries = 2, .on_failure = true, .budget_percent = 100};
        world_begin();
        produce(&producer, 20, is_length_known);
        assert_string_equal(producer.probe.body.data, "hello");
        assert_int_equal(producer.given_count, 20);
        probe_finish(&producer.probe);
        world_close();
        backend_join(&backend);
        assert_int_equal(backend.accepted_count, 2);
        struct slice seen = slice_skip(text_slice(&backend.seen), backend.body_start);
        struct text body = TEXT_INIT;
        struct body_reader reader;
        size_t extra;
        body_reader_init(&reader, is_length_known ? BODY_LENGTH : BODY_CHUNKED, backend.wanted_bytes);
        text_add(&body, seen);
        assert_true(body_reader_take(&reader, body.data, body.length, &seen, &extra));
        assert_true(reader.is_done);
        check_pieces(seen, 20, false);
        text_finish(&body);
        text_finish(&backend.seen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_arrive_as_one_body),
        cmocka_unit_test(a_body_that_breaks_off_is_never_taken_for_a_whole_one),
        cmocka_unit_test(a_body_longer_or_shorter_than_announced_breaks_off),
        cmocka_unit_test(a_body_that_has_begun_cannot_be_sent_again),
        cmocka_unit_test(a_body_that_was_not_begun_goes_to_the_next_server),
        cmocka_unit_test(what_was_taken_of_a_small_body_is_sent_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
