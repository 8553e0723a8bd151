#include "plan/path.h"

enum byte_class {
    BYTE_BAD = 0,
    BYTE_PLAIN,      /* pchar that stands for itself and whose escape is another path: sub-delims, ":" and "@" */
    BYTE_UNRESERVED, /* its escape is the same as itself */
    BYTE_UNSAFE,     /* not allowed in a path, but sent: its escape is the same as itself */
    BYTE_SLASH,
    BYTE_ESCAPE,
};

static const unsigned char byte_classes[256] = {
    ['a' ... 'z'] = BYTE_UNRESERVED,
    ['A' ... 'Z'] = BYTE_UNRESERVED,
    ['0' ... '9'] = BYTE_UNRESERVED,
    ['-'] = BYTE_UNRESERVED,
    ['.'] = BYTE_UNRESERVED,
    ['_'] = BYTE_UNRESERVED,
    ['~'] = BYTE_UNRESERVED,
    ['!'] = BYTE_PLAIN,
    ['$'] = BYTE_PLAIN,
    ['&'] = BYTE_PLAIN,
    ['\''] = BYTE_PLAIN,
    ['('] = BYTE_PLAIN,
    [')'] = BYTE_PLAIN,
    ['*'] = BYTE_PLAIN,
    ['+'] = BYTE_PLAIN,
    [','] = BYTE_PLAIN,
    [';'] = BYTE_PLAIN,
    ['='] = BYTE_PLAIN,
    [':'] = BYTE_PLAIN,
    ['@'] = BYTE_PLAIN,
    ['"'] = BYTE_UNSAFE,
    ['<'] = BYTE_UNSAFE,
    ['>'] = BYTE_UNSAFE,
    ['['] = BYTE_UNSAFE,
    [']'] = BYTE_UNSAFE,
    ['^'] = BYTE_UNSAFE,
    ['`'] = BYTE_UNSAFE,
    ['{'] = BYTE_UNSAFE,
    ['|'] = BYTE_UNSAFE,
    ['}'] = BYTE_UNSAFE,
    ['/'] = BYTE_SLASH,
    ['%'] = BYTE_ESCAPE,
};

static enum byte_class class_of(char c)
{
    return byte_classes[(unsigned char)c];
}

static char *write_escape(char *out, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";
    *out++ = '%';
    *out++ = digits[byte >> 4];
    *out++ = digits[byte & 15];
    return out;
}

/* How many of the bytes from position on make up a segment of one or two dots: 1, 2, or 0 where it is another one. */
static size_t count_dots(const char *text, size_t position, size_t length)
{
    size_t dots = 0;
    while (dots < 3 && position + dots < length && text[position + dots] == '.')
        ++dots;
    bool is_whole = position + dots == length || text[position + dots] == '/';
    return is_whole && dots <= 2 ? dots : 0;
}

static bool is_canonical_escape(struct slice raw, size_t position)
{
    int byte = ascii_escaped(slice_skip(raw, position));
    return byte > 0 && byte_classes[byte] != BYTE_UNRESERVED && raw.data[position + 1] < 'a' &&
           raw.data[position + 2] < 'a';
}

/* Where the canonical part of raw ends: most paths need no more than this. */
static size_t skip_canonical(struct slice raw)
{
    size_t i = 0;
    while (i < raw.length) {
        switch (class_of(raw.data[i])) {
        case BYTE_PLAIN:
        case BYTE_UNRESERVED:
            ++i;
            break;
        case BYTE_SLASH:
            if ((i + 1 < raw.length && raw.data[i + 1] == '/') || count_dots(raw.data, i + 1, raw.length) != 0)
                return i;
            ++i;
            break;
        case BYTE_ESCAPE:
            if (!is_canonical_escape(raw, i))
                return i;
            i += 3;
            break;
        default:
            return i;
        }
    }
    return i;
}

/* The most that the bytes take in their one spelling: an escape is none longer than it was. */
static size_t count_room(struct slice raw)
{
    size_t bytes = raw.length;
    for (size_t i = 0; i < raw.length; ++i)
        bytes += class_of(raw.data[i]) == BYTE_UNSAFE ? 2 : 0;
    return bytes;
}

/* Brings every byte into its one spelling. out has room for that. Returns the end, NULL where one is bad. */
static char *spell_bytes(struct slice raw, char *out)
{
    for (size_t i = 0; i < raw.length; ++i) {
        int byte = (unsigned char)raw.data[i];
        switch (class_of(raw.data[i])) {
        case BYTE_BAD:
            return NULL;
        case BYTE_ESCAPE:
            byte = ascii_escaped(slice_skip(raw, i));
            if (byte <= 0)
                return NULL;
            i += 2;
            if (byte_classes[byte] == BYTE_UNRESERVED)
                *out++ = (char)byte;
            else
                out = write_escape(out, (unsigned char)byte);
            break;
        case BYTE_UNSAFE:
            out = write_escape(out, (unsigned char)byte);
            break;
        default:
            *out++ = (char)byte;
        }
    }
    return out;
}

/* Merges slashes and resolves dot segments in place; text begins with "/". Returns the new length. */
static size_t resolve_segments(char *text, size_t length)
{
    size_t in = 0, out = 0;
    while (in < length) {
        while (in < length && text[in] == '/')
            ++in;
        size_t dots = count_dots(text, in, length);
        size_t end = in + slice_find(slice_of(text + in, length - in), '/');
        if (dots == 2) {
            while (out > 0 && text[--out] != '/')
                ;
        } else if (dots == 0) {
            text[out++] = '/';
            memmove(text + out, text + in, end - in);
            out += end - in;
        }
        /* a dot segment at the end names the folder */
        if (dots != 0 && end == length)
            text[out++] = '/';
        in = end;
    }
    return out;
}

enum path_result path_canonicalize(struct slice raw, struct arena *arena, struct slice *canonical)
{
    if (raw.length == 0 || raw.data[0] != '/')
        return PATH_BAD;
    size_t good = skip_canonical(raw);
    if (good == raw.length) {
        *canonical = raw;
        return PATH_OK;
    }
    char *text = arena_alloc(arena, good + count_room(slice_skip(raw, good)));
    memcpy(text, raw.data, good);
    char *end = spell_bytes(slice_skip(raw, good), text + good);
    if (end == NULL)
        return PATH_BAD;
    *canonical = slice_of(text, resolve_segments(text, (size_t)(end - text)));
    return PATH_OK;
}
