#include "base64url.h"

#include <stdint.h>

static int find_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

bool base64url_decode(const char *data, size_t length, unsigned char *out, size_t *out_length)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t count = 0;
    for (size_t i = 0; i < length; ++i) {
        int value = find_value(data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        out[count++] = (unsigned char)(bits >> bit_count);
        bits &= (1U << bit_count) - 1;
    }
    *out_length = count;
    return bit_count < 6 && bits == 0;
}
