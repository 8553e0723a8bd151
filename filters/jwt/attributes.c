#include "attributes.h"

#include <stdlib.h>
#include <string.h>

enum {
    LONGEST_NAME_BYTES = 128,
    LONGEST_VALUE_BYTES = 4096,
    MOST_ATTRIBUTES = 48,
    DEEPEST = 3,
};

/* Claims come in three rounds, so that none can take the place of one that matters more: those of the token itself,
 * those inside of others, and those whose names are no attribute's as they stand, of which nothing is set anew. */
enum round {
    ROUND_OUTER = 0,
    ROUND_INNER,
    ROUND_CHANGED,
    ROUND_COUNT,
};

struct writer {
    const struct flexilib_core *core;
    struct flexilib_exchange *exchange;
    char name[LONGEST_NAME_BYTES];
    size_t name_length;
    size_t count;
    enum round round;
    int depth;
    bool is_changed; /* the name is not as the token spells it, or "a.b" could be an inner claim's too */
};

static bool add_name(struct writer *writer, const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || writer->name_length + 1 + length > sizeof(writer->name))
        return false;
    writer->name[writer->name_length++] = '.';
    for (size_t i = 0; i < length; ++i) {
        bool is_upper = name[i] >= 'A' && name[i] <= 'Z';
        char c = is_upper ? (char)(name[i] + 'a' - 'A') : name[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '-' && c != '_')
            return false;
        writer->is_changed = writer->is_changed || is_upper || c == '.';
        writer->name[writer->name_length++] = c;
    }
    return true;
}

static bool is_due(const struct writer *writer)
{
    struct flexilib_text earlier;
    enum round round = writer->is_changed ? ROUND_CHANGED : writer->depth == 1 ? ROUND_OUTER : ROUND_INNER;
    return round == writer->round && writer->count < MOST_ATTRIBUTES &&
           (round != ROUND_CHANGED ||
            !writer->core->attribute(writer->exchange, writer->name, writer->name_length, &earlier));
}

static void set(struct writer *writer, const char *value, size_t length)
{
    for (size_t i = 0; i < length; ++i) {
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f)
            return;
    }
    if (length > LONGEST_VALUE_BYTES || !is_due(writer))
        return;
    bool is_set = writer->core->set_attribute(writer->exchange, writer->name, writer->name_length, value, length);
    /* where there is no room the log says so once */
    writer->count = is_set ? writer->count + 1 : MOST_ATTRIBUTES;
}

/* A text that has a blank would be taken for two by who takes the list apart again. */
static bool is_word(const json_t *item)
{
    const char *text = json_string_value(item);
    return text != NULL && text[0] != '\0' && strchr(text, ' ') == NULL;
}

static void set_list(struct writer *writer, const json_t *list)
{
    char joined[LONGEST_VALUE_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *item = json_array_get(list, i);
        size_t item_length = json_string_length(item);
        if (!is_word(item) || length + 1 + item_length > sizeof(joined))
            return;
        if (i != 0)
            joined[length++] = ' ';
        memcpy(joined + length, json_string_value(item), item_length);
        length += item_length;
    }
    set(writer, joined, length);
}

static void set_number(struct writer *writer, const json_t *value)
{
    char text[64];
    size_t length = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY | JSON_COMPACT);
    if (length <= sizeof(text))
        set(writer, text, length);
}

static void set_members(struct writer *writer, const json_t *object);

static void set_value(struct writer *writer, const json_t *value)
{
    if (json_is_string(value))
        set(writer, json_string_value(value), json_string_length(value));
    else if (json_is_array(value))
        set_list(writer, value);
    else if (json_is_object(value))
        set_members(writer, value);
    else if (!json_is_null(value))
        set_number(writer, value);
}

static void set_members(struct writer *writer, const json_t *object)
{
    const char *name;
    json_t *value;
    if (writer->depth >= DEEPEST)
        return;
    ++writer->depth;
    json_object_foreach((json_t *)object, name, value)
    {
        size_t length = writer->name_length;
        bool is_changed = writer->is_changed;
        if (add_name(writer, name))
            set_value(writer, value);
        writer->name_length = length;
        writer->is_changed = is_changed;
    }
    --writer->depth;
}

void attributes_set(const struct flexilib_core *core, struct flexilib_exchange *exchange, struct flexilib_text prefix,
                    const json_t *claims)
{
    struct writer writer = {.core = core, .exchange = exchange, .name_length = prefix.length};
    if (prefix.length > sizeof(writer.name))
        return;
    memcpy(writer.name, prefix.data, prefix.length);
    for (int round = ROUND_OUTER; round < ROUND_COUNT; ++round) {
        writer.round = (enum round)round;
        set_members(&writer, claims);
    }
}
