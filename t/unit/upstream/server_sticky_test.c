#include "upstream/server_sticky.h"

#include "server_probe.h"

static struct header cookies[2];

static void set_sticky(size_t count)
{
    set_servers(count);
    probe.upstream.sticky = (struct sticky_settings){.cookie = SLICE("shop"), .path = SLICE("/")};
    arena_init(&probe.exchange.arena, 0);
}

/* The Set-Cookie that a response of this server gets, or NULL. */
static const char *mark(size_t index)
{
    probe.exchange.response.headers = (struct headers){0};
    server_mark_response(&probe.group.servers[index], &probe.exchange);
    if (probe.exchange.response.headers.count == 0)
        return NULL;
    assert_int_equal(probe.exchange.response.headers.count, 1);
    assert_true(slice_equals(probe.exchange.response.headers.items[0].name, SLICE("Set-Cookie")));
    return probe.exchange.response.headers.items[0].value.data;
}

/* Has the request come with what was set. */
static void send_cookie(const char *set_cookie)
{
    const char *end = strchr(set_cookie, ';');
    size_t length = end == NULL ? strlen(set_cookie) : (size_t)(end - set_cookie);
    cookies[0] = (struct header){SLICE("Cookie"), arena_copy(&probe.exchange.arena, slice_of(set_cookie, length))};
    probe.exchange.request.headers = (struct headers){.items = cookies, .count = 1};
}

static void close_sticky(void)
{
    arena_finish(&probe.exchange.arena);
    close_group();
}

/* Frozen: clients come back with it after the program was replaced. */
static void names_servers_alike_for_ever(void **state)
{
    set_sticky(2);
    open_group();
    assert_string_equal(mark(0), "shop=b9a0ade1f66fea83; Path=/; HttpOnly; SameSite=Lax");
    probe.upstream.name = SLICE("other");
    const char *another = mark(0);
    assert_memory_not_equal(another, "shop=b9a0ade1f66fea83", strlen("shop=b9a0ade1f66fea83"));
    close_sticky();
}

static void writes_what_the_settings_say(void **state)
{
    struct sticky_settings *sticky = &probe.upstream.sticky;
    set_sticky(1);
    open_group();
    size_t id = strlen("shop=0123456789abcdef");
    assert_string_equal(mark(0) + id, "; Path=/; HttpOnly; SameSite=Lax");
    sticky->path = SLICE("/shop");
    sticky->max_age_ms = 3600 * 1000;
    sticky->is_secure = true;
    sticky->same_site = SAME_SITE_NONE;
    assert_string_equal(mark(0) + id, "; Path=/shop; Max-Age=3600; Secure; HttpOnly; SameSite=None");
    sticky->same_site = SAME_SITE_STRICT;
    sticky->max_age_ms = 1;
    assert_string_equal(mark(0) + id, "; Path=/shop; Max-Age=1; Secure; HttpOnly; SameSite=Strict");
    sticky->cookie = SLICE_NONE;
    assert_null(mark(0));
    close_sticky();
}

static void brings_clients_back(void **state)
{
    set_sticky(5);
    open_group();
    for (size_t i = 0; i < 5; ++i) {
        probe.exchange.request.headers.count = 0;
        send_cookie(mark(i));
        assert_null(mark(i));
        assert_non_null(mark((i + 1) % 5));
        for (int j = 0; j < 7; ++j)
            assert_int_equal(choose_index(), i);
    }
    close_sticky();
}

static void takes_no_other_cookie_for_its_own(void **state)
{
    static const char *const values[] = {"shop=",   "shop=0123456789abcdef",  "shop=0",
                                         "other=1", "shop=0123456789abcdefg", "shop=000000000000000g"};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); ++i) {
        set_sticky(3);
        open_group();
        send_cookie(values[i]);
        expect_order("abcabc");
        assert_non_null(mark(0));
        close_sticky();
    }
}

static void finds_its_cookie_among_others(void **state)
{
    set_sticky(3);
    open_group();
    struct slice id = slice_of(mark(1) + strlen("shop="), 16);
    cookies[0] = (struct header){SLICE("Cookie"), SLICE("a=b; c=d")};
    cookies[1] =
        (struct header){SLICE("Cookie"), arena_print(&probe.exchange.arena, "e=f; shop=\"%.*s\"; g=h", SLICE_ARG(id))};
    probe.exchange.request.headers = (struct headers){.items = cookies, .count = 2};
    expect_order("bbbb");
    assert_null(mark(1));
    close_sticky();
}

static void goes_elsewhere_where_the_server_cannot(void **state)
{
    set_sticky(3);
    probe.settings[1].max_requests = 1;
    open_group();
    send_cookie(mark(1));
    expect_order("bb");
    add_tried(1);
    expect_order("acac");
    probe.tried.count = 0;
    struct server *busy = begin_one();
    assert_ptr_equal(busy, &probe.group.servers[1]);
    expect_order("acac");
    server_end(busy, SERVER_LEFT, 0);
    expect_order("bb");
    close_sticky();
}

/* Sessions end where they are; new clients go elsewhere. */
static void stays_with_a_drained_server(void **state)
{
    set_sticky(2);
    open_group();
    drain(1, true);
    expect_order("aaa");
    send_cookie(mark(1));
    expect_order("bbb");
    close_sticky();
}

static void stays_with_a_backup(void **state)
{
    set_sticky(2);
    probe.settings[1].is_backup = true;
    open_group();
    expect_order("aa");
    send_cookie(mark(1));
    expect_order("bb");
    close_sticky();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_servers_alike_for_ever),  cmocka_unit_test(writes_what_the_settings_say),
        cmocka_unit_test(brings_clients_back),           cmocka_unit_test(takes_no_other_cookie_for_its_own),
        cmocka_unit_test(finds_its_cookie_among_others), cmocka_unit_test(goes_elsewhere_where_the_server_cannot),
        cmocka_unit_test(stays_with_a_drained_server),   cmocka_unit_test(stays_with_a_backup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
