#include "coding/body_decodings.h"
#include "coding/decoder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

/* What our coders make comes back as it was, however it is cut; what is broken, cut short or goes on too long is told,
 * and a body that unfolds to a thousand times its size does so piece by piece. */

enum {
    BODY_BYTES = 300000,
    MOST_BYTES = 1024 * 1024,
    BOMB_BYTES = 64 * 1024 * 1024,
    PLENTY = 64 * 1024 * 1024,
};

struct kind {
    const char *name;
    const struct coder_calls *coder;
    const struct decoder_calls *decoder;
    bool may_repeat; /* several may follow one another */
};

static const struct kind kinds[] = {
    {"gzip", &coder_gzip, &decoder_gzip, true},
    {"br", &coder_brotli, &decoder_brotli, false},
    {"zstd", &coder_zstd, &decoder_zstd, true},
};

enum {
    KINDS = sizeof(kinds) / sizeof(kinds[0]),
};

static char plain[BODY_BYTES];
static char coded[MOST_BYTES];
static char decoded[MOST_BYTES];

static uint32_t next_number(uint32_t *number)
{
    *number = *number * 1103515245 + 12345;
    return *number >> 16;
}

static void fill_plain(void)
{
    uint32_t number = 1;
    for (size_t i = 0; i < BODY_BYTES; ++i)
        plain[i] = i % 3 == 0 ? (char)('a' + next_number(&number) % 26) : ' ';
}

static size_t encode(const struct kind *kind, struct slice body, char *output, size_t capacity)
{
    struct coder *coder = kind->coder->create(6, -1, PLENTY);
    struct coder_room room = {.data = output, .length = capacity};
    assert_non_null(coder);
    assert_int_equal(kind->coder->work(coder, CODER_FINISH, &body, &room), CODER_DONE);
    kind->coder->destroy(coder);
    return room.used;
}

/* Decodes by pieces of so many bytes into rooms of so many, and gives the last result. */
static enum decoder_result decode(const struct decoder_calls *calls, struct slice input, size_t piece_bytes,
                                  size_t room_bytes, size_t *length)
{
    struct decoder *decoder = calls->create(PLENTY);
    enum decoder_result result = DECODER_HUNGRY;
    assert_non_null(decoder);
    *length = 0;
    while (result == DECODER_FULL || (input.length != 0 && result < DECODER_BROKEN)) {
        struct slice piece = slice_of(input.data, input.length < piece_bytes ? input.length : piece_bytes);
        size_t given = piece.length;
        struct coder_room room = {.data = decoded + *length, .length = room_bytes};
        assert_true(*length + room_bytes <= sizeof(decoded));
        result = calls->work(decoder, &piece, &room);
        *length += room.used;
        input = slice_skip(input, given - piece.length);
    }
    calls->destroy(decoder);
    return result;
}

static void what_was_coded_comes_back(void **state)
{
    static const size_t cuts[] = {1, 7, 4096, MOST_BYTES};
    for (size_t i = 0; i < KINDS; ++i) {
        struct slice whole = slice_of(coded, encode(&kinds[i], slice_of(plain, BODY_BYTES), coded, sizeof(coded)));
        for (size_t j = 0; j < 4; ++j) {
            for (size_t k = 1; k < 4; ++k) {
                size_t length;
                size_t room = cuts[k] < 65536 ? cuts[k] : 65536;
                assert_int_equal(decode(kinds[i].decoder, whole, cuts[j], room, &length), DECODER_ENDED);
                assert_int_equal(length, BODY_BYTES);
                assert_memory_equal(decoded, plain, BODY_BYTES);
            }
        }
    }
}

static void an_empty_body_is_one(void **state)
{
    for (size_t i = 0; i < KINDS; ++i) {
        size_t length;
        struct slice whole = slice_of(coded, encode(&kinds[i], SLICE_NONE, coded, sizeof(coded)));
        assert_int_equal(decode(kinds[i].decoder, whole, 1, 64, &length), DECODER_ENDED);
        assert_int_equal(length, 0);
    }
}

static void what_follows_the_end_is_told(void **state)
{
    for (size_t i = 0; i < KINDS; ++i) {
        size_t length, once = encode(&kinds[i], SLICE("hello "), coded, sizeof(coded));
        memcpy(coded + once, coded, once);
        for (size_t piece = 1; piece < 100; piece += 98) {
            enum decoder_result result = decode(kinds[i].decoder, slice_of(coded, 2 * once), piece, 64, &length);
            assert_int_equal(result, kinds[i].may_repeat ? DECODER_ENDED : DECODER_BROKEN);
            assert_int_equal(length, kinds[i].may_repeat ? 12 : 6);
            memcpy(coded + 2 * once, "garbage behind it", 17);
            result = decode(kinds[i].decoder, slice_of(coded, 2 * once + 17), piece, 64, &length);
            assert_int_equal(result, DECODER_BROKEN);
        }
    }
}

static void what_is_cut_short_goes_on(void **state)
{
    for (size_t i = 0; i < KINDS; ++i) {
        size_t whole = encode(&kinds[i], SLICE("hello, hello, hello, world"), coded, sizeof(coded)), length;
        for (size_t cut = 1; cut < whole; ++cut)
            assert_int_equal(decode(kinds[i].decoder, slice_of(coded, cut), 3, 64, &length), DECODER_HUNGRY);
    }
}

/* Whatever becomes of it, nothing is read or written where it should not be, and it comes to an end. */
static void what_is_damaged_does_no_harm(void **state)
{
    uint32_t number = 7;
    for (size_t i = 0; i < KINDS; ++i) {
        size_t whole = encode(&kinds[i], slice_of(plain, 3000), coded, sizeof(coded)), length;
        for (int round = 0; round < 3000; ++round) {
            char *damaged = malloc(whole);
            memcpy(damaged, coded, whole);
            for (int j = 0; j < 1 + round % 4; ++j)
                damaged[next_number(&number) % whole] = (char)next_number(&number);
            struct decoder *decoder = kinds[i].decoder->create(PLENTY);
            struct slice input = slice_of(damaged, whole);
            enum decoder_result result = DECODER_HUNGRY;
            length = 0;
            while (result == DECODER_FULL || (input.length != 0 && result < DECODER_BROKEN)) {
                struct coder_room room = {.data = decoded, .length = 1024};
                result = kinds[i].decoder->work(decoder, &input, &room);
                length += room.used;
                if (length > PLENTY)
                    break;
            }
            kinds[i].decoder->destroy(decoder);
            free(damaged);
        }
    }
}

static void deflate_is_what_either_kind_of_server_means(void **state)
{
    /* "hello" in zlib's frame (RFC 1950), and without one (RFC 1951), stored as it is */
    static const char framed[] = "\x78\x01\x01\x05\x00\xfa\xffhello\x06\x2c\x02\x15",
                      bare[] = "\x01\x05\x00\xfa\xffhello";
    size_t length;
    for (size_t piece = 1; piece < 30; piece += 28) {
        assert_int_equal(decode(&decoder_deflate, slice_of(framed, sizeof(framed) - 1), piece, 64, &length),
                         DECODER_ENDED);
        assert_true(slice_equals(slice_of(decoded, length), SLICE("hello")));
        assert_int_equal(decode(&decoder_deflate, slice_of(bare, sizeof(bare) - 1), piece, 64, &length), DECODER_ENDED);
        assert_true(slice_equals(slice_of(decoded, length), SLICE("hello")));
    }
    assert_int_equal(decode(&decoder_deflate, SLICE("\xff\xff\xff"), 1, 64, &length), DECODER_BROKEN);
    assert_int_equal(decode(&decoder_deflate, SLICE("\x78"), 1, 64, &length), DECODER_HUNGRY);
}

static struct decoding *open_decoding(struct body_decodings *all, const char *coding)
{
    return body_decoding_services.open(all, slice_from_text(coding), NULL);
}

static void a_bomb_goes_off_by_and_by(void **state)
{
    char *zeros = calloc(1, BOMB_BYTES);
    for (size_t i = 0; i < KINDS; ++i) {
        struct body_decodings all = {0};
        struct decoding *decoding = open_decoding(&all, kinds[i].name);
        struct slice input = slice_of(coded, encode(&kinds[i], slice_of(zeros, BOMB_BYTES), coded, sizeof(coded)));
        struct slice output;
        size_t length = 0, most = 0;
        enum decoding_state last;
        assert_true(input.length < BOMB_BYTES / 500);
        do {
            last = body_decoding_services.work(decoding, &input, &output);
            assert_true(last < DECODING_BROKEN);
            assert_true(output.length <= 65536);
            length += output.length;
            most = all.memory_bytes > most ? all.memory_bytes : most;
        } while (last == DECODING_BUSY);
        assert_int_equal(last, DECODING_ENDED);
        assert_int_equal(length, BOMB_BYTES);
        assert_true(most < 17 * 1024 * 1024);
        body_decoding_services.settle(decoding);
        assert_true(all.memory_bytes < 70 * 1024);
        body_decoding_services.close(decoding);
        assert_int_equal(all.memory_bytes, 0);
    }
    free(zeros);
}

static void all_together_have_a_limit(void **state)
{
    enum {
        MANY = 20000,
    };
    static struct decoding *many[MANY];
    struct body_decodings all = {0};
    size_t count = 0;
    while (count < MANY && (many[count] = open_decoding(&all, "gzip")) != NULL)
        ++count;
    assert_true(count > 500 && count < MANY);
    assert_true(all.memory_bytes <= 128 * 1024 * 1024);
    body_decoding_services.close(many[--count]);
    many[count] = open_decoding(&all, "gzip");
    assert_non_null(many[count]);
    for (size_t i = 0; i <= count; ++i)
        body_decoding_services.close(many[i]);
    assert_int_equal(all.memory_bytes, 0);
}

static void those_of_one_client_have_one_too(void **state)
{
    enum {
        MANY = 20000,
    };
    static struct decoding *many[MANY];
    struct body_decodings all = {0};
    size_t shared = 0, count = 0;
    while (count < MANY && (many[count] = body_decoding_services.open(&all, SLICE("gzip"), &shared)) != NULL)
        ++count;
    assert_true(count > 100 && count < MANY);
    assert_true(shared <= 32 * 1024 * 1024 && all.memory_bytes == shared);
    struct decoding *other = open_decoding(&all, "gzip");
    assert_non_null(other);
    body_decoding_services.leave(many[0]);
    assert_true(shared < all.memory_bytes);
    for (size_t i = 1; i < count; ++i)
        body_decoding_services.close(many[i]);
    assert_int_equal(shared, 0);
    body_decoding_services.close(many[0]);
    body_decoding_services.close(other);
    assert_int_equal(all.memory_bytes, 0);
}

static void codings_have_names(void **state)
{
    static const char *const known[] = {"gzip", "GZip", "x-gzip", "deflate", "br", "zstd"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i)
        assert_true(body_decoding_services.knows(slice_from_text(known[i])));
    assert_false(body_decoding_services.knows(SLICE("compress")));
    assert_false(body_decoding_services.knows(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_coded_comes_back),
        cmocka_unit_test(an_empty_body_is_one),
        cmocka_unit_test(what_follows_the_end_is_told),
        cmocka_unit_test(what_is_cut_short_goes_on),
        cmocka_unit_test(what_is_damaged_does_no_harm),
        cmocka_unit_test(deflate_is_what_either_kind_of_server_means),
        cmocka_unit_test(a_bomb_goes_off_by_and_by),
        cmocka_unit_test(all_together_have_a_limit),
        cmocka_unit_test(those_of_one_client_have_one_too),
        cmocka_unit_test(codings_have_names),
    };
    fill_plain();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
