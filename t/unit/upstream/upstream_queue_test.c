#include "upstream/upstream_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
    MOST_GUESTS = 5,
};

struct guest {
    struct queue_place place;
    char name;
};

static struct {
    struct loop *loop;
    struct upstream_queue queue;
    struct guest guests[MOST_GUESTS];
    unsigned room;       /* for so many guests */
    unsigned look_count; /* how often a guest has taken its chance */
    char served[MOST_GUESTS + 1];
    struct guest *also_leaves; /* when somebody is served */
} house;

static bool take_chance(struct queue_place *place)
{
    struct guest *guest = place->data;
    ++house.look_count;
    if (house.room == 0) {
        loop_stop(house.loop);
        return false;
    }
    --house.room;
    house.served[strlen(house.served)] = guest->name;
    upstream_queue_remove(&house.queue, place);
    if (house.also_leaves != NULL)
        upstream_queue_remove(&house.queue, &house.also_leaves->place);
    if (house.queue.first == NULL)
        loop_stop(house.loop);
    return true;
}

static void open_house(void)
{
    memset(&house, 0, sizeof(house));
    house.loop = loop_create();
    upstream_queue_init(&house.queue, house.loop);
    for (int i = 0; i < MOST_GUESTS; ++i) {
        struct guest *guest = &house.guests[i];
        *guest = (struct guest){.place = {.on_turn = take_chance, .data = guest}, .name = (char)('a' + i)};
    }
}

static void close_house(void)
{
    for (int i = 0; i < MOST_GUESTS; ++i)
        upstream_queue_remove(&house.queue, &house.guests[i].place);
    assert_int_equal(house.queue.count, 0);
    assert_int_equal(house.queue.timer.position, 0);
    loop_destroy(house.loop);
}

static void add(int first, int count)
{
    for (int i = first; i < first + count; ++i)
        upstream_queue_add(&house.queue, &house.guests[i].place);
}

static void who_came_first_is_served_first(void **state)
{
    open_house();
    add(0, MOST_GUESTS);
    house.room = 2;
    upstream_queue_wake(&house.queue);
    loop_run(house.loop);
    assert_string_equal(house.served, "ab");
    assert_int_equal(house.look_count, 3);
    assert_int_equal(house.queue.count, 3);
    house.room = 3;
    upstream_queue_wake(&house.queue);
    loop_run(house.loop);
    assert_string_equal(house.served, "abcde");
    close_house();
}

static void room_that_others_have_made_is_found_without_a_word(void **state)
{
    open_house();
    add(0, 1);
    loop_run(house.loop);
    assert_int_equal(house.look_count, 1);
    house.room = 1;
    loop_run(house.loop);
    assert_string_equal(house.served, "a");
    close_house();
}

static void whoever_leaves_is_passed_over(void **state)
{
    open_house();
    add(0, MOST_GUESTS);
    upstream_queue_remove(&house.queue, &house.guests[0].place);
    upstream_queue_remove(&house.queue, &house.guests[0].place);
    upstream_queue_remove(&house.queue, &house.guests[4].place);
    house.also_leaves = &house.guests[2];
    house.room = MOST_GUESTS;
    loop_run(house.loop);
    assert_string_equal(house.served, "bd");
    close_house();
}

static void nobody_who_waits_costs_nothing(void **state)
{
    open_house();
    upstream_queue_wake(&house.queue);
    assert_int_equal(house.queue.timer.position, 0);
    add(0, 1);
    upstream_queue_wake(&house.queue);
    upstream_queue_remove(&house.queue, &house.guests[0].place);
    assert_int_equal(house.queue.timer.position, 0);
    add(0, 1);
    house.room = 1;
    loop_run(house.loop);
    assert_string_equal(house.served, "a");
    close_house();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_came_first_is_served_first),
        cmocka_unit_test(room_that_others_have_made_is_found_without_a_word),
        cmocka_unit_test(whoever_leaves_is_passed_over),
        cmocka_unit_test(nobody_who_waits_costs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
