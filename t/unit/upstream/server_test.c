#include "upstream/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include <cmocka.h>

enum {
    MOST_SERVERS = 4,
};

struct fixture {
    struct server_settings settings[MOST_SERVERS];
    struct upstream_settings upstream;
    struct loop *loop;
    struct server_group group;
};

static struct fixture fixture;

static struct server_group *make_group(size_t count)
{
    fixture.loop = loop_create();
    fixture.upstream = (struct upstream_settings){.servers = fixture.settings, .server_count = count};
    server_group_init(&fixture.group, &fixture.upstream, fixture.loop);
    return &fixture.group;
}

static void end_group(void)
{
    server_group_finish(&fixture.group);
    loop_destroy(fixture.loop);
}

static void names_itself_as_a_host(void **state)
{
    fixture.settings[0] = (struct server_settings){.host = SLICE("127.0.0.1"), .port = 3000, .weight = 1};
    fixture.settings[1] = (struct server_settings){.host = SLICE("shop.internal"), .port = 80, .weight = 1};
    fixture.settings[2] = (struct server_settings){.host = SLICE("::1"), .port = 8080, .weight = 1};
    fixture.settings[3] = (struct server_settings){.host = SLICE("/run/shop"), .is_unix = true, .weight = 1};
    struct server_group *group = make_group(4);
    assert_string_equal(group->servers[0].host.data, "127.0.0.1:3000");
    assert_string_equal(group->servers[1].host.data, "shop.internal");
    assert_string_equal(group->servers[2].host.data, "[::1]:8080");
    assert_string_equal(group->servers[3].host.data, "localhost");
    assert_true(group->servers[0].is_numeric);
    assert_false(group->servers[1].is_numeric);
    assert_true(group->servers[2].is_numeric);
    const struct sockaddr_un *address = (const struct sockaddr_un *)&group->servers[3].address.storage;
    assert_int_equal(address->sun_family, AF_UNIX);
    assert_string_equal(address->sun_path, "/run/shop");
    end_group();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_itself_as_a_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
