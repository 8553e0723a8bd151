#include "config/substitution.h"

#include "config/wording.h"

static bool is_name_start(char c)
{
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '_';
}

static size_t name_length(struct slice text)
{
    size_t length = 0;
    while (length < text.length &&
           (is_name_start(text.data[length]) || (length != 0 && text.data[length] >= '0' && text.data[length] <= '9')))
        ++length;
    return length;
}

static bool refuse(const struct substitution *substitution, struct slice written, const char *sentence)
{
    return error_set_at(substitution->error, substitution->find_place(substitution->context, written), "'%s' %s",
                        wording_quote(substitution->arena, written), sentence);
}

/* Finds what the ${...} in written, with inner between its braces, stands for. */
static bool expand(const struct substitution *substitution, struct slice written, struct slice inner,
                   struct slice *value)
{
    size_t length = name_length(inner);
    if (length == 0)
        return refuse(substitution, written, "does not name a variable: write ${NAME}, or $${ for a literal '${'");
    const char *name = arena_copy(substitution->arena, slice_of(inner.data, length)).data;
    struct slice rest = slice_skip(inner, length);
    bool has_fallback = slice_starts_with(rest, SLICE(":-"));
    if (rest.length != 0 && !has_fallback)
        return refuse(substitution, written,
                      "is not understood: write ${NAME} or ${NAME:-default}, or $${ for a literal '${'");
    for (size_t i = 1; has_fallback && i < rest.length; ++i) {
        if (rest.data[i - 1] == '$' && rest.data[i] == '{')
            return refuse(substitution, written, "has another '${' in its default, which is not possible");
    }
    const char *found = source_environment(substitution->source, name);
    if (has_fallback && (found == NULL || found[0] == '\0')) {
        *value = slice_skip(rest, 2);
        return true;
    }
    *value = slice_from_text(found);
    return found != NULL ||
           error_set_at(substitution->error, substitution->find_place(substitution->context, written),
                        "the environment variable '%s' is not set: set it, or write ${%s:-default}", name, name);
}

/* Handles the ${ that text begins with, and moves text behind the closing brace. */
static bool take_variable(const struct substitution *substitution, struct slice *text, struct text *out)
{
    size_t end = slice_find(*text, '}');
    if (end == text->length)
        return refuse(substitution, *text, "is never closed: a '}' is missing");
    struct slice value;
    struct slice inner = slice_of(text->data + 2, end - 2);
    if (!expand(substitution, slice_of(text->data, end + 1), inner, &value))
        return false;
    text_add(out, value);
    *text = slice_skip(*text, end + 1);
    return true;
}

static bool has_variable(struct slice text)
{
    return text.length > 1 && memmem(text.data, text.length, "${", 2) != NULL;
}

bool substitution_apply(const struct substitution *substitution, struct slice text, struct slice *result)
{
    *result = text;
    if (!has_variable(text))
        return true;
    struct text out = TEXT_INIT;
    while (text.length != 0) {
        if (slice_starts_with(text, SLICE("$${"))) {
            text_add(&out, SLICE("${"));
            text = slice_skip(text, 3);
        } else if (!slice_starts_with(text, SLICE("${"))) {
            text_add_char(&out, text.data[0]);
            text = slice_skip(text, 1);
        } else if (!take_variable(substitution, &text, &out)) {
            text_finish(&out);
            return false;
        }
    }
    *result = arena_copy(substitution->arena, text_slice(&out));
    text_finish(&out);
    return true;
}
