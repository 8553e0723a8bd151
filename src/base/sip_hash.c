#include "base/sip_hash.h"

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t turn(uint64_t value, int bits)
{
    return value << bits | value >> (64 - bits);
}

static inline void mix(struct sip_state *s)
{
    s->v0 += s->v1, s->v1 = turn(s->v1, 13) ^ s->v0, s->v0 = turn(s->v0, 32);
    s->v2 += s->v3, s->v3 = turn(s->v3, 16) ^ s->v2;
    s->v0 += s->v3, s->v3 = turn(s->v3, 21) ^ s->v0;
    s->v2 += s->v1, s->v1 = turn(s->v1, 17) ^ s->v2, s->v2 = turn(s->v2, 32);
}

static inline void add_word(struct sip_state *state, uint64_t word)
{
    state->v3 ^= word;
    mix(state);
    state->v0 ^= word;
}

static inline uint64_t read_word(const unsigned char *bytes)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; ++i)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

static inline uint64_t read_rest(const unsigned char *bytes, size_t length)
{
    uint64_t word = (uint64_t)length << 56;
    for (size_t i = 0; i < length % 8; ++i)
        word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t sip_hash(const uint64_t secret[2], struct slice text)
{
    struct sip_state state = {
        .v0 = secret[0] ^ 0x736f6d6570736575,
        .v1 = secret[1] ^ 0x646f72616e646f6d,
        .v2 = secret[0] ^ 0x6c7967656e657261,
        .v3 = secret[1] ^ 0x7465646279746573,
    };
    const unsigned char *bytes = (const unsigned char *)text.data;
    size_t whole = text.length - text.length % 8;
    for (size_t i = 0; i < whole; i += 8)
        add_word(&state, read_word(bytes + i));
    add_word(&state, read_rest(whole == 0 ? bytes : bytes + whole, text.length));
    state.v2 ^= 0xff;
    for (int i = 0; i < 3; ++i)
        mix(&state);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}
