#include "upstream/server_hash.h"

#include "server_probe.h"

enum {
    KEYS = 20000,
};

static void set_hashing(size_t count)
{
    set_servers(count);
    probe.upstream.balance.kind = BALANCE_HASH;
}

static size_t choose_for(unsigned key)
{
    char address[32];
    snprintf(address, sizeof(address), "10.%u.%u.%u", key >> 16, key >> 8 & 255, key & 255);
    probe.exchange.peer_address = slice_from_text(address);
    return choose_index();
}

/* Which server every key has; by port, since the order may be another. */
static void map_keys(uint16_t *ports)
{
    for (unsigned i = 0; i < KEYS; ++i)
        ports[i] = probe.group.servers[choose_for(i)].settings->port;
}

static void spreads_keys_evenly(void **state)
{
    unsigned got[5] = {0};
    set_hashing(5);
    open_group();
    for (unsigned i = 0; i < KEYS; ++i)
        ++got[choose_for(i)];
    for (size_t i = 0; i < 5; ++i)
        assert_in_range(got[i], KEYS / 5 - 200, KEYS / 5 + 200);
    close_group();
}

static void spreads_keys_by_weight(void **state)
{
    static const unsigned weights[] = {1, 2, 3, 4, 90};
    unsigned got[5] = {0};
    set_hashing(5);
    for (size_t i = 0; i < 5; ++i)
        probe.settings[i].weight = weights[i];
    open_group();
    for (unsigned i = 0; i < KEYS; ++i)
        ++got[choose_for(i)];
    for (size_t i = 0; i < 5; ++i)
        assert_in_range(got[i], KEYS / 100 * weights[i] - 100, KEYS / 100 * weights[i] + 100);
    close_group();
}

static void moves_keys_of_the_missing_server_alone(void **state)
{
    static uint16_t before[KEYS], now[KEYS];
    set_hashing(7);
    for (size_t i = 0; i < 7; ++i)
        probe.settings[i].weight = (uint32_t)i + 1;
    open_group();
    map_keys(before);
    for (size_t missing = 0; missing < 7; ++missing) {
        unsigned got[7] = {0}, moved = 0;
        drain(missing, true);
        map_keys(now);
        for (size_t i = 0; i < KEYS; ++i) {
            if (before[i] != missing + 1) {
                assert_int_equal(now[i], before[i]);
                continue;
            }
            assert_int_not_equal(now[i], before[i]);
            ++got[now[i] - 1];
            ++moved;
        }
        for (size_t i = 0; i < 7; ++i) {
            if (i != missing)
                assert_in_range(got[i], (i + 1) * moved / (28 - missing - 1) / 2, (i + 1) * moved / 10);
        }
        drain(missing, false);
        map_keys(now);
        assert_memory_equal(now, before, sizeof(now));
    }
    close_group();
}

static void moves_keys_to_the_added_server_alone(void **state)
{
    static uint16_t before[KEYS], now[KEYS];
    set_hashing(6);
    open_group();
    map_keys(before);
    close_group();
    set_hashing(7);
    open_group();
    map_keys(now);
    unsigned moved = 0;
    for (size_t i = 0; i < KEYS; ++i) {
        if (now[i] != before[i]) {
            assert_int_equal(now[i], 7);
            ++moved;
        }
    }
    assert_in_range(moved, KEYS / 7 - 200, KEYS / 7 + 200);
    close_group();
}

static void moves_keys_to_the_heavier_server_alone(void **state)
{
    static uint16_t before[KEYS], now[KEYS];
    set_hashing(4);
    open_group();
    map_keys(before);
    probe.settings[2].weight = 2;
    map_keys(now);
    for (size_t i = 0; i < KEYS; ++i)
        assert_true(now[i] == before[i] || now[i] == 3);
    close_group();
}

static void takes_no_notice_of_the_order(void **state)
{
    static uint16_t before[KEYS], now[KEYS];
    set_hashing(9);
    for (size_t i = 0; i < 9; ++i)
        probe.settings[i].weight = 1 + i % 3;
    open_group();
    map_keys(before);
    close_group();
    set_hashing(9);
    for (size_t i = 0; i < 9; ++i) {
        probe.settings[i].port = (uint16_t)(9 - i);
        probe.settings[i].weight = 1 + (8 - i) % 3;
    }
    open_group();
    map_keys(now);
    assert_memory_equal(now, before, sizeof(now));
    close_group();
}

/* Frozen: another version of the program has to agree while both serve. */
static void agrees_with_other_generations(void **state)
{
    assert_int_equal(server_hash_bytes(SLICE("")), 0x402b48357a754f7c);
    assert_int_equal(server_hash_bytes(SLICE("192.0.2.1")), 0x25c942b6f1b21f25);
    set_hashing(16);
    probe.settings[0].host = SLICE("Shop.Internal");
    probe.settings[1].is_tls = true;
    probe.settings[2] = (struct server_settings){.host = SLICE("/run/Shop"), .is_unix = true, .weight = 1};
    open_group();
    char order[33] = "";
    for (unsigned i = 0; i < 32; ++i)
        order[i] = (char)('a' + choose_for(i));
    assert_string_equal(order, "cbngeafcdedddnmcfboedaagjbphdmmk");
    close_group();
}

static void tells_apart_what_is_written_twice(void **state)
{
    unsigned got[3] = {0};
    set_hashing(3);
    for (size_t i = 0; i < 3; ++i)
        probe.settings[i].port = 80;
    open_group();
    for (unsigned i = 0; i < KEYS; ++i)
        ++got[choose_for(i)];
    for (size_t i = 0; i < 3; ++i)
        assert_in_range(got[i], KEYS / 3 - 200, KEYS / 3 + 200);
    close_group();
}

static void goes_on_to_the_next_where_the_first_was_tried(void **state)
{
    static uint16_t without[KEYS];
    set_hashing(4);
    open_group();
    drain(1, true);
    map_keys(without);
    drain(1, false);
    add_tried(1);
    for (unsigned i = 0; i < KEYS; ++i)
        assert_int_equal(probe.group.servers[choose_for(i)].settings->port, without[i]);
    close_group();
}

static void makes_different_keys_of_different_texts(void **state)
{
    static const char text[] = "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0abcdefghijklmnopqrstuvwxyz0123456789";
    uint64_t seen[sizeof(text)];
    for (size_t length = 0; length < sizeof(text); ++length) {
        seen[length] = server_hash_bytes(slice_of(text, length));
        for (size_t i = 0; i < length; ++i)
            assert_int_not_equal(seen[i], seen[length]);
    }
}

/* Every bit of the text turns about half of the hash's bits. */
static void depends_on_every_bit(void **state)
{
    char text[24] = "a text of some length...";
    for (size_t length = 1; length <= sizeof(text); ++length) {
        uint64_t before = server_hash_bytes(slice_of(text, length));
        for (size_t bit = 0; bit < 8 * length; ++bit) {
            text[bit / 8] ^= (char)(1 << bit % 8);
            int turned = __builtin_popcountll(before ^ server_hash_bytes(slice_of(text, length)));
            text[bit / 8] ^= (char)(1 << bit % 8);
            assert_in_range(turned, 12, 52);
        }
    }
}

static bool find_key(enum balance_key key, const char *name, uint64_t *hash)
{
    struct balance_settings balance = {.kind = BALANCE_HASH, .key = key, .key_name = slice_from_text(name)};
    return server_hash_find_key(&balance, &probe.exchange, hash);
}

static void finds_keys(void **state)
{
    struct header items[] = {
        {SLICE("X-User"), SLICE("ada")}, {SLICE("X-Empty"), SLICE("")}, {SLICE("Cookie"), SLICE("a=b; sid=\"ada\"")}};
    uint64_t hash;
    set_hashing(1);
    probe.exchange.request.path = SLICE("/a");
    probe.exchange.request.authority = SLICE("ada");
    probe.exchange.peer_address = SLICE("192.0.2.1");
    probe.exchange.request.headers = (struct headers){.items = items, .count = 3};
    assert_true(find_key(BALANCE_KEY_ADDRESS, "", &hash) && hash == server_hash_bytes(SLICE("192.0.2.1")));
    assert_true(find_key(BALANCE_KEY_PATH, "", &hash) && hash == server_hash_bytes(SLICE("/a")));
    assert_true(find_key(BALANCE_KEY_HEADER, "x-user", &hash) && hash == server_hash_bytes(SLICE("ada")));
    assert_true(find_key(BALANCE_KEY_HEADER, "host", &hash) && hash == server_hash_bytes(SLICE("ada")));
    assert_true(find_key(BALANCE_KEY_COOKIE, "sid", &hash) && hash == server_hash_bytes(SLICE("ada")));
    assert_false(find_key(BALANCE_KEY_HEADER, "X-Nobody", &hash));
    assert_false(find_key(BALANCE_KEY_HEADER, "X-Empty", &hash));
    assert_false(find_key(BALANCE_KEY_COOKIE, "other", &hash));
    probe.exchange.peer_address = SLICE("unix:");
    assert_false(find_key(BALANCE_KEY_ADDRESS, "", &hash));
}

static void takes_turns_without_a_key(void **state)
{
    set_hashing(3);
    probe.upstream.balance.key = BALANCE_KEY_COOKIE;
    probe.upstream.balance.key_name = SLICE("sid");
    open_group();
    expect_order("abcabc");
    close_group();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spreads_keys_evenly),
        cmocka_unit_test(spreads_keys_by_weight),
        cmocka_unit_test(moves_keys_of_the_missing_server_alone),
        cmocka_unit_test(moves_keys_to_the_added_server_alone),
        cmocka_unit_test(moves_keys_to_the_heavier_server_alone),
        cmocka_unit_test(takes_no_notice_of_the_order),
        cmocka_unit_test(agrees_with_other_generations),
        cmocka_unit_test(tells_apart_what_is_written_twice),
        cmocka_unit_test(goes_on_to_the_next_where_the_first_was_tried),
        cmocka_unit_test(makes_different_keys_of_different_texts),
        cmocka_unit_test(depends_on_every_bit),
        cmocka_unit_test(finds_keys),
        cmocka_unit_test(takes_turns_without_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
