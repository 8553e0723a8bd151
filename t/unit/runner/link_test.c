/* Frames between two ends of a socket pair. */

#include "runner/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct end {
    struct link link;
    struct loop *loop;
    struct text taken; /* "KIND EXCHANGE CALL LENGTH " of each frame */
    unsigned frames, wanted;
    bool is_ended, holds;
};

static bool take(void *data, const struct frame *frame)
{
    struct end *end = data;
    if (end->holds) {
        end->holds = false;
        link_hold(&end->link);
        return true;
    }
    text_print(&end->taken, "%d %d %d %zu ", (int)frame->kind, (int)frame->exchange, (int)frame->call,
               frame->payload.length);
    for (size_t i = 0; i < frame->payload.length; ++i)
        assert_int_equal(frame->payload.data[i], 'x');
    if (++end->frames == end->wanted)
        loop_stop(end->loop);
    return true;
}

static void on_ended(void *data)
{
    struct end *end = data;
    end->is_ended = true;
    loop_stop(end->loop);
}

static const struct link_owner owner = {take, on_ended};

static void open_ends(struct loop *loop, struct end *a, struct end *b)
{
    int fds[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    *a = (struct end){.loop = loop};
    *b = (struct end){.loop = loop};
    assert_true(link_open(&a->link, loop, fds[0], &owner, a));
    assert_true(link_open(&b->link, loop, fds[1], &owner, b));
}

static void close_ends(struct loop *loop, struct end *a, struct end *b)
{
    link_close(&a->link);
    link_close(&b->link);
    text_finish(&a->taken);
    text_finish(&b->taken);
    loop_destroy(loop);
}

static void send_frame(struct link *link, int kind, int number, size_t length)
{
    struct text *out = link_begin(link, (enum frame_kind)kind, (uint64_t)number, (uint64_t)number + 1);
    memset(text_reserve(out, length), 'x', length);
    out->length += length;
    link_send(link);
}

static void frames_arrive_whole_and_in_order(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    open_ends(loop, &a, &b);
    b.wanted = 4;
    send_frame(&a.link, 1, 5, 0);
    send_frame(&a.link, 2, 6, 10);
    send_frame(&a.link, 3, 7, 5000000);
    send_frame(&a.link, 4, 8, 1);
    assert_int_not_equal(a.link.out.length, 0);
    /* what has been sent of a large frame is not worth moving the rest */
    assert_int_not_equal(a.link.out_sent, 0);
    loop_run(loop);
    assert_string_equal(b.taken.data, "1 5 6 0 2 6 7 10 3 7 8 5000000 4 8 9 1 ");
    assert_int_equal(a.link.out.length, 0);
    assert_int_equal(a.link.out_sent, 0);
    close_ends(loop, &a, &b);
}

static void what_is_corked_goes_as_one(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    open_ends(loop, &a, &b);
    b.wanted = 2;
    link_cork(&a.link);
    send_frame(&a.link, 1, 1, 3);
    send_frame(&a.link, 1, 2, 3);
    assert_int_not_equal(a.link.out.length, 0);
    link_uncork(&a.link);
    assert_int_equal(a.link.out.length, 0);
    loop_run(loop);
    assert_int_equal(b.frames, 2);
    close_ends(loop, &a, &b);
}

static void a_frame_that_is_held_comes_again(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    open_ends(loop, &a, &b);
    b.holds = true;
    send_frame(&a.link, 1, 1, 3);
    send_frame(&a.link, 1, 2, 3);
    assert_true(link_wait(&b.link));
    assert_int_equal(b.frames, 0);
    link_go_on(&b.link);
    assert_string_equal(b.taken.data, "1 1 2 3 1 2 3 3 ");
    close_ends(loop, &a, &b);
}

static void waiting_sends_and_receives(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    open_ends(loop, &a, &b);
    send_frame(&a.link, 1, 1, 3);
    assert_true(link_wait(&b.link));
    assert_int_equal(b.frames, 1);
    link_close(&a.link);
    assert_false(link_wait(&b.link));
    assert_true(b.is_ended);
    close_ends(loop, &a, &b);
}

static void what_came_before_the_end_is_taken(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    open_ends(loop, &a, &b);
    send_frame(&a.link, 1, 1, 3);
    link_close(&a.link);
    loop_run(loop);
    assert_int_equal(b.frames, 1);
    assert_true(b.is_ended);
    send_frame(&b.link, 1, 1, 3);
    close_ends(loop, &a, &b);
}

static void frames_without_measure_end_the_link(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    const uint32_t head[6] = {UINT32_MAX, 1, 0, 0, 0, 0};
    open_ends(loop, &a, &b);
    assert_int_equal(write(a.link.fd, head, sizeof(head)), sizeof(head));
    loop_run(loop);
    assert_true(b.is_ended);
    assert_int_equal(b.frames, 0);
    close_ends(loop, &a, &b);
}

static void frames_that_are_too_large_are_not_sent(void **state)
{
    struct loop *loop = loop_create();
    struct end a, b;
    open_ends(loop, &a, &b);
    a.link.most_payload_bytes = b.link.most_payload_bytes = 10;
    text_add(link_begin(&a.link, 1, 1, 1), SLICE("0123456789a"));
    assert_false(link_send(&a.link));
    assert_int_equal(a.link.out.length, 0);
    b.wanted = 1;
    send_frame(&a.link, 1, 1, 10);
    loop_run(loop);
    assert_int_equal(b.frames, 1);
    close_ends(loop, &a, &b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_that_are_too_large_are_not_sent),
        cmocka_unit_test(frames_arrive_whole_and_in_order),
        cmocka_unit_test(what_is_corked_goes_as_one),
        cmocka_unit_test(a_frame_that_is_held_comes_again),
        cmocka_unit_test(waiting_sends_and_receives),
        cmocka_unit_test(what_came_before_the_end_is_taken),
        cmocka_unit_test(frames_without_measure_end_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
