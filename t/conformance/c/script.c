#include "script.h"

#include <string.h>

bool text_is(struct flexilib_text text, const char *other)
{
    return text.length == strlen(other) && (text.length == 0 || memcmp(text.data, other, text.length) == 0);
}

int64_t text_number(struct flexilib_text text)
{
    int64_t number = 0;
    for (size_t i = 0; i < text.length; ++i)
        number = number * 10 + (text.data[i] - '0');
    return number;
}

static int digit_of(char c)
{
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* Takes what stands before the mark, or the rest, and the mark with it. */
static struct flexilib_text take(struct flexilib_text *text, char mark)
{
    const char *end = text->length == 0 ? NULL : memchr(text->data, mark, text->length);
    struct flexilib_text taken = {text->data, end == NULL ? text->length : (size_t)(end - text->data)};
    size_t gone = end == NULL ? taken.length : taken.length + 1;
    text->data += gone;
    text->length -= gone;
    return taken;
}

static struct flexilib_text unescape(const struct flexilib_core *core, struct flexilib_exchange *exchange,
                                     struct flexilib_text text)
{
    char *plain = core->allocate(exchange, text.length + 1);
    size_t length = 0;
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] == '%' && i + 2 < text.length) {
            plain[length++] = (char)(digit_of(text.data[i + 1]) * 16 + digit_of(text.data[i + 2]));
            i += 2;
        } else {
            plain[length++] = text.data[i];
        }
    }
    return (struct flexilib_text){plain, length};
}

bool script_next(const struct flexilib_core *core, struct flexilib_exchange *exchange, struct flexilib_text *script,
                 const char *hook, struct command *command)
{
    while (script->length != 0) {
        struct flexilib_text line = take(script, ';');
        while (line.length != 0 && line.data[0] == ' ')
            take(&line, ' ');
        if (!text_is(take(&line, ' '), hook))
            continue;
        *command = (struct command){0};
        for (int i = 0; i < MOST_WORDS && line.length != 0; ++i)
            command->words[i] = unescape(core, exchange, take(&line, ' '));
        return true;
    }
    return false;
}
