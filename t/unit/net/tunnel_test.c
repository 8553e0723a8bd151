/* The tunnel between two ends that do what the test says, so that every order of events can be had. */

#include "net/tunnel.h"

#include "base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct end {
    struct tunnel_side *side;
    const char *input;     /* what receive gives next; NULL: nothing now, "": the end */
    size_t input_repeated; /* gives so many bytes instead */
    int input_error;
    struct slice writing; /* of the write under way */
    bool is_writing, is_read, is_finished, is_reset;
    unsigned writes;
    uint64_t taken;
    struct text output;
};

struct world {
    struct tunnels tunnels;
    struct tunnel *tunnel;
    struct end client, server;
    unsigned over_count;
    enum tunnel_outcome outcome;
};

static void read_on(void *data, bool is_wanted)
{
    ((struct end *)data)->is_read = is_wanted;
}

static ssize_t receive(void *data, char *buffer, size_t capacity)
{
    struct end *end = data;
    errno = end->input_error != 0 ? end->input_error : EAGAIN;
    if (end->input_repeated != 0) {
        size_t length = end->input_repeated < capacity ? end->input_repeated : capacity;
        memset(buffer, 'x', length);
        end->input_repeated -= length;
        return (ssize_t)length;
    }
    if (end->input == NULL)
        return -1;
    size_t length = strlen(end->input);
    assert_true(length <= capacity);
    memcpy(buffer, end->input, length);
    end->input = NULL;
    return (ssize_t)length;
}

static void write_data(void *data, struct slice bytes)
{
    struct end *end = data;
    assert_false(end->is_writing || end->is_finished);
    end->is_writing = true;
    end->writing = bytes;
    ++end->writes;
}

static void finish_writing(void *data)
{
    struct end *end = data;
    assert_false(end->is_writing || end->is_finished);
    end->is_finished = true;
}

static uint64_t count_taken(void *data)
{
    return ((struct end *)data)->taken;
}

static void reset(void *data)
{
    ((struct end *)data)->is_reset = true;
}

static const struct tunnel_end_calls calls = {
    .read = read_on,
    .receive = receive,
    .write = write_data,
    .finish_writing = finish_writing,
    .taken_bytes = count_taken,
    .reset = reset,
};

static void on_over(void *data, enum tunnel_outcome outcome)
{
    struct world *world = data;
    ++world->over_count;
    world->outcome = outcome;
    loop_stop(world->tunnels.loop);
}

static void start(struct world *world, int64_t idle_timeout_ms)
{
    struct tunnel_end client = {.calls = &calls, .end = &world->client, .is_writing = world->client.is_writing};
    struct tunnel_end server = {.calls = &calls, .end = &world->server, .is_writing = world->server.is_writing};
    client.has_received = world->client.input != NULL || world->client.input_repeated != 0;
    server.has_received = world->server.input != NULL;
    world->tunnel = tunnel_create(&world->tunnels, on_over, world);
    world->client.side = tunnel_client_side(world->tunnel);
    world->server.side = tunnel_server_side(world->tunnel);
    tunnel_start(world->tunnel, &client, &server, idle_timeout_ms);
    assert_int_equal(world->over_count, 0);
}

static void say(struct end *end, const char *input)
{
    end->input = input;
    tunnel_on_readable(end->side);
}

static void take(struct end *end)
{
    assert_true(end->is_writing);
    text_add(&end->output, end->writing);
    end->writing = SLICE_NONE;
    end->is_writing = false;
    tunnel_on_written(end->side, true);
}

static void refuse(struct end *end)
{
    end->is_writing = false;
    tunnel_on_written(end->side, false);
}

static int set_up(void **state)
{
    struct world *world = test_calloc(1, sizeof(*world));
    world->tunnels.loop = loop_create();
    world->client.output = world->server.output = (struct text)TEXT_INIT;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    tunnel_destroy(world->tunnel);
    assert_int_equal(world->tunnels.count, 0);
    tunnels_finish(&world->tunnels);
    text_finish(&world->client.output);
    text_finish(&world->server.output);
    loop_destroy(world->tunnels.loop);
    test_free(world);
    return 0;
}

static void expect_output(const struct end *end, const char *expected)
{
    assert_true(slice_equals(text_slice(&end->output), slice_from_text(expected)));
}

static void carries_bytes_both_ways(void **state)
{
    struct world *world = *state;
    start(world, 0);
    assert_int_equal(world->tunnels.count, 1);
    assert_true(world->client.is_read && world->server.is_read);
    say(&world->client, "question");
    say(&world->server, "answer");
    take(&world->server);
    take(&world->client);
    expect_output(&world->server, "question");
    expect_output(&world->client, "answer");
    assert_int_equal(tunnel_bytes_to_server(world->tunnel), 8);
    assert_int_equal(tunnel_bytes_to_client(world->tunnel), 6);
    /* an idle tunnel holds no buffer */
    assert_int_equal(world->tunnels.buffers.small_count, 2);
    assert_int_equal(world->over_count, 0);
}

static void sends_first_what_came_before(void **state)
{
    struct world *world = *state;
    world->client.input = "early";
    world->client.is_writing = true;
    world->server.input = "surplus";
    start(world, 0);
    assert_true(world->server.is_writing);
    assert_int_equal(world->client.writes, 0);
    take(&world->server);
    expect_output(&world->server, "early");
    take(&world->client);
    assert_int_equal(world->client.writes, 1);
    take(&world->client);
    expect_output(&world->client, "surplus");
}

static void takes_more_than_one_buffer_from_before(void **state)
{
    struct world *world = *state;
    world->client.input_repeated = 3 * RECEIVE_LARGE_BYTES;
    start(world, 0);
    while (world->server.is_writing)
        take(&world->server);
    assert_int_equal(world->server.output.length, 3 * RECEIVE_LARGE_BYTES);
    assert_true(world->client.is_read);
}

static void reads_no_more_than_the_other_takes(void **state)
{
    struct world *world = *state;
    start(world, 0);
    say(&world->client, "first");
    assert_true(world->client.is_read);
    say(&world->client, "second");
    assert_false(world->client.is_read);
    assert_string_equal(world->client.input, "second");
    say(&world->server, "the other way is free");
    take(&world->client);
    take(&world->server);
    assert_true(world->client.is_read);
    tunnel_on_readable(world->client.side);
    take(&world->server);
    expect_output(&world->server, "firstsecond");
}

static void end_one_after_the_other(struct world *world, struct end *first, struct end *second)
{
    start(world, 0);
    say(first, "last words");
    say(first, "");
    assert_false(second->is_finished);
    take(second);
    tunnel_on_readable(first->side);
    assert_true(second->is_finished);
    expect_output(second, "last words");
    say(second, "goes on");
    take(first);
    expect_output(first, "goes on");
    assert_int_equal(world->over_count, 0);
    say(second, "");
    assert_true(first->is_finished);
    assert_int_equal(world->over_count, 1);
    assert_int_equal(world->outcome, TUNNEL_ENDED);
    tunnel_destroy(world->tunnel);
    world->tunnel = NULL;
    assert_false(first->is_reset || second->is_reset);
}

static void the_end_of_the_client_leaves_the_server(void **state)
{
    struct world *world = *state;
    end_one_after_the_other(world, &world->client, &world->server);
}

static void the_end_of_the_server_leaves_the_client(void **state)
{
    struct world *world = *state;
    end_one_after_the_other(world, &world->server, &world->client);
}

static void an_end_waits_for_what_its_owner_writes(void **state)
{
    struct world *world = *state;
    world->client.is_writing = true;
    start(world, 0);
    say(&world->server, "");
    assert_false(world->client.is_finished);
    take(&world->client);
    assert_true(world->client.is_finished);
}

static void a_broken_end_resets_the_other(void **state)
{
    struct world *world = *state;
    start(world, 0);
    world->server.input_error = ECONNRESET;
    tunnel_on_readable(world->server.side);
    assert_int_equal(world->over_count, 1);
    assert_int_equal(world->outcome, TUNNEL_BROKEN);
    tunnel_destroy(world->tunnel);
    world->tunnel = NULL;
    assert_true(world->client.is_reset);
    assert_false(world->server.is_reset);
}

static void what_an_end_says_before_it_breaks_arrives(void **state)
{
    struct world *world = *state;
    start(world, 0);
    say(&world->client, "lost");
    refuse(&world->server);
    assert_int_equal(world->over_count, 0);
    assert_false(world->client.is_read);
    say(&world->server, "good bye");
    take(&world->client);
    expect_output(&world->client, "good bye");
    say(&world->server, "");
    assert_true(world->client.is_finished);
    assert_int_equal(world->over_count, 1);
    assert_int_equal(world->outcome, TUNNEL_BROKEN);
    tunnel_destroy(world->tunnel);
    world->tunnel = NULL;
    assert_false(world->client.is_reset);
}

static void an_end_that_had_finished_and_breaks_is_over(void **state)
{
    struct world *world = *state;
    start(world, 0);
    say(&world->client, "");
    say(&world->server, "to nobody");
    assert_int_equal(world->over_count, 0);
    refuse(&world->client);
    assert_int_equal(world->over_count, 1);
}

static void who_misses_bytes_is_reset(void **state)
{
    struct world *world = *state;
    start(world, 0);
    say(&world->server, "not taken");
    tunnel_destroy(world->tunnel);
    world->tunnel = NULL;
    assert_true(world->client.is_reset);
    assert_false(world->server.is_reset);
    assert_int_equal(world->over_count, 0);
}

static void ends_when_nothing_moves(void **state)
{
    struct world *world = *state;
    start(world, 1);
    loop_run(world->tunnels.loop);
    assert_int_equal(world->over_count, 1);
    assert_int_equal(world->outcome, TUNNEL_IDLE);
}

/* Asked how much it has taken, it has taken more: five times. */
static uint64_t count_slowly(void *data)
{
    struct end *end = data;
    if (end->taken < 5)
        ++end->taken;
    return end->taken;
}

static void a_slow_end_is_not_idle(void **state)
{
    struct world *world = *state;
    struct tunnel_end_calls slow = calls;
    slow.taken_bytes = count_slowly;
    struct tunnel_end client = {.calls = &slow, .end = &world->client};
    struct tunnel_end server = {.calls = &calls, .end = &world->server};
    world->tunnel = tunnel_create(&world->tunnels, on_over, world);
    world->server.side = tunnel_server_side(world->tunnel);
    tunnel_start(world->tunnel, &client, &server, 1);
    say(&world->server, "much");
    loop_run(world->tunnels.loop);
    assert_int_equal(world->outcome, TUNNEL_IDLE);
    assert_int_equal(world->client.taken, 5);
    tunnel_destroy(world->tunnel);
    world->tunnel = NULL;
    assert_true(world->client.is_reset);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(carries_bytes_both_ways),
        TEST(sends_first_what_came_before),
        TEST(takes_more_than_one_buffer_from_before),
        TEST(reads_no_more_than_the_other_takes),
        TEST(the_end_of_the_client_leaves_the_server),
        TEST(the_end_of_the_server_leaves_the_client),
        TEST(an_end_waits_for_what_its_owner_writes),
        TEST(a_broken_end_resets_the_other),
        TEST(what_an_end_says_before_it_breaks_arrives),
        TEST(an_end_that_had_finished_and_breaks_is_over),
        TEST(who_misses_bytes_is_reset),
        TEST(ends_when_nothing_moves),
        TEST(a_slow_end_is_not_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
