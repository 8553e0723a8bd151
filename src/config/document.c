#include "config/document.h"

#include "config/anchors.h"
#include "config/name_index.h"
#include "config/substitution.h"
#include "config/text_position.h"
#include "config/wording.h"
#include "config/yaml_problem.h"

#include <yaml.h>

enum {
    DEEPEST_LEVEL = 100,
    MOST_NODES = 1000000,
    MANY_KEYS = 16,
};

struct reader {
    const struct document *document;
    yaml_parser_t parser;
    struct text_position position;
    struct anchors anchors;
};

/* A node that is being read: how deep it stands and how many levels it turns out to have. */
struct level {
    unsigned depth;
    unsigned height;
};

static struct node *read_node(struct reader *reader, const yaml_event_t *event, struct level *level);

static struct place place_of(struct reader *reader, yaml_mark_t mark)
{
    text_position_to_character(&reader->position, mark.index);
    return text_position_place(&reader->position);
}

static struct node *refuse(struct reader *reader, struct place place, const char *sentence)
{
    error_set_at(reader->document->error, place, "%s", sentence);
    return NULL;
}

static bool next_event(struct reader *reader, yaml_event_t *event)
{
    const struct document *document = reader->document;
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    return yaml_problem_report(&reader->parser, document->text, document->arena, document->error);
}

struct node *document_add_node(const struct document *document, enum node_kind kind, struct place place)
{
    struct node *node = arena_zalloc(document->arena, sizeof(*node));
    node->kind = kind;
    node->place = place;
    node->file = document->file;
    return node;
}

static bool count_nodes(struct reader *reader, size_t count, struct place place)
{
    *reader->document->node_count += count;
    if (*reader->document->node_count <= MOST_NODES)
        return true;
    return error_set_at(reader->document->error, place,
                        "the configuration is too large: more than %d values, counting what aliases repeat",
                        MOST_NODES);
}

static struct slice slice_from_yaml(const yaml_char_t *text)
{
    return slice_from_text((const char *)text);
}

struct site {
    const struct reader *reader;
    struct place place;
    size_t offset;
};

/* Escapes and folding may have changed the text, then the scalar's own place has to do. */
static struct place find_written(const void *context, struct slice written)
{
    const struct site *site = context;
    struct slice rest = slice_skip(site->reader->position.text->content, site->offset);
    written.length = slice_find(written, '\n');
    const char *found = memmem(rest.data, rest.length, written.data, written.length);
    if (found == NULL)
        return site->place;
    return text_position_of_byte(site->reader->position.text, site->offset + (size_t)(found - rest.data));
}

static bool is_null_word(struct slice text)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (slice_equals(text, slice_from_text(words[i])))
            return true;
    }
    return false;
}

static struct node *read_scalar(struct reader *reader, const yaml_event_t *event, struct place place)
{
    const struct document *document = reader->document;
    struct node *node = document_add_node(document, NODE_SCALAR, place);
    struct slice text = slice_of((const char *)event->data.scalar.value, event->data.scalar.length);
    if (slice_find(text, '\0') != text.length)
        return refuse(reader, place, "a NUL character cannot stand in a text");
    node->text = arena_copy(document->arena, text);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->is_null = !node->is_quoted && is_null_word(text);
    struct site site = {reader, place, reader->position.offset};
    struct substitution substitution = {document->source, document->arena, document->error, find_written, &site};
    return substitution_apply(&substitution, node->text, &node->text) ? node : NULL;
}

static struct node *read_alias(struct reader *reader, const yaml_event_t *event, struct place place,
                               struct level *level)
{
    struct slice name = slice_from_yaml(event->data.alias.anchor);
    const struct anchor *anchor = anchors_find(&reader->anchors, name);
    if (anchor == NULL) {
        error_set_at(reader->document->error, place,
                     "'*%.*s' refers to '&%.*s', which is not defined before it (a text that begins with '*' must "
                     "stand in quotes)",
                     SLICE_ARG(name), SLICE_ARG(name));
        return NULL;
    }
    level->height = anchor->height;
    if (level->depth + anchor->height > DEEPEST_LEVEL)
        return refuse(reader, place, "this alias makes the configuration too deep: more than 100 levels");
    return count_nodes(reader, anchor->node_count, place) ? anchor->node : NULL;
}

/* Reads the node that the next event begins. Sets *is_end, and returns NULL, where the event is an end instead. */
static struct node *read_next(struct reader *reader, yaml_event_type_t end, struct level *level, bool *is_end)
{
    yaml_event_t event;
    if (!next_event(reader, &event))
        return NULL;
    struct level inner = {.depth = level->depth + 1};
    *is_end = event.type == end;
    struct node *node = *is_end ? NULL : read_node(reader, &event, &inner);
    if (inner.height + 1 > level->height)
        level->height = inner.height + 1;
    yaml_event_delete(&event);
    return node;
}

static struct node *read_sequence(struct reader *reader, struct place place, struct level *level)
{
    struct arena *arena = reader->document->arena;
    struct node *sequence = document_add_node(reader->document, NODE_SEQUENCE, place);
    size_t capacity = 0;
    for (;;) {
        bool is_end = false;
        struct node *item = read_next(reader, YAML_SEQUENCE_END_EVENT, level, &is_end);
        if (item == NULL)
            return is_end ? sequence : NULL;
        sequence->items = arena_grow(arena, sequence->items, sequence->count, &capacity, sizeof(*sequence->items));
        sequence->items[sequence->count++] = item;
    }
}

static bool check_key(struct reader *reader, const struct node *key)
{
    if (key->kind != NODE_SCALAR)
        return error_set_at(reader->document->error, key->place,
                            "a key must be a word, not %s (a text with brackets must stand in quotes)",
                            node_kind_phrase(key));
    if (key->text.length == 0)
        return error_set_at(reader->document->error, key->place, "a key is missing before this ':'");
    return true;
}

static bool refuse_duplicate(struct reader *reader, const struct node *key, const struct node *first)
{
    return error_set_at(reader->document->error, key->place, "duplicate key '%s' (first in line %u)",
                        wording_quote(reader->document->arena, key->text), first->place.line);
}

static bool check_few_keys(struct reader *reader, const struct node *mapping)
{
    for (size_t i = 1; i < mapping->count; ++i) {
        for (size_t j = 0; j < i; ++j) {
            if (slice_equals(mapping->keys[i]->text, mapping->keys[j]->text))
                return refuse_duplicate(reader, mapping->keys[i], mapping->keys[j]);
        }
    }
    return true;
}

static bool check_many_keys(struct reader *reader, const struct node *mapping)
{
    struct arena scratch;
    struct name_index index = {0};
    arena_init(&scratch, 0);
    bool is_fine = true;
    for (size_t i = 0; is_fine && i < mapping->count; ++i) {
        const struct node *first = name_index_add(&index, &scratch, mapping->keys[i]->text, mapping->keys[i]);
        is_fine = first == NULL || refuse_duplicate(reader, mapping->keys[i], first);
    }
    arena_finish(&scratch);
    return is_fine;
}

static struct node *read_mapping(struct reader *reader, struct place place, struct level *level)
{
    struct arena *arena = reader->document->arena;
    struct node *mapping = document_add_node(reader->document, NODE_MAPPING, place);
    size_t key_capacity = 0, item_capacity = 0;
    for (;;) {
        bool is_end = false;
        struct node *key = read_next(reader, YAML_MAPPING_END_EVENT, level, &is_end);
        if (is_end)
            break;
        if (key == NULL || !check_key(reader, key))
            return NULL;
        struct node *item = read_next(reader, YAML_NO_EVENT, level, &is_end);
        if (item == NULL)
            return NULL;
        mapping->keys = arena_grow(arena, mapping->keys, mapping->count, &key_capacity, sizeof(*mapping->keys));
        mapping->items = arena_grow(arena, mapping->items, mapping->count, &item_capacity, sizeof(*mapping->items));
        mapping->keys[mapping->count] = key;
        mapping->items[mapping->count++] = item;
    }
    bool is_fine = mapping->count <= MANY_KEYS ? check_few_keys(reader, mapping) : check_many_keys(reader, mapping);
    return is_fine ? mapping : NULL;
}

struct properties {
    const yaml_char_t *anchor;
    const yaml_char_t *tag;
};

static struct properties find_properties(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return (struct properties){event->data.scalar.anchor, event->data.scalar.tag};
    case YAML_SEQUENCE_START_EVENT:
        return (struct properties){event->data.sequence_start.anchor, event->data.sequence_start.tag};
    case YAML_MAPPING_START_EVENT:
        return (struct properties){event->data.mapping_start.anchor, event->data.mapping_start.tag};
    default:
        return (struct properties){NULL, NULL};
    }
}

static struct node *read_content(struct reader *reader, const yaml_event_t *event, struct place place,
                                 struct level *level)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event, place);
    case YAML_SEQUENCE_START_EVENT:
        return read_sequence(reader, place, level);
    case YAML_MAPPING_START_EVENT:
        return read_mapping(reader, place, level);
    default:
        return refuse(reader, place, "a value is missing here");
    }
}

static struct node *read_node(struct reader *reader, const yaml_event_t *event, struct level *level)
{
    struct place place = place_of(reader, event->start_mark);
    if (event->type == YAML_ALIAS_EVENT)
        return read_alias(reader, event, place, level);
    struct properties properties = find_properties(event);
    if (properties.tag != NULL)
        return refuse(reader, place, "tags are not used here: a text that begins with '!' must stand in quotes");
    if (level->depth > DEEPEST_LEVEL)
        return refuse(reader, place, "the configuration is too deep: more than 100 levels");
    size_t before = *reader->document->node_count;
    if (!count_nodes(reader, 1, place))
        return NULL;
    struct node *node = read_content(reader, event, place, level);
    if (node == NULL || properties.anchor == NULL)
        return node;
    struct anchor anchor = {slice_from_yaml(properties.anchor), node, *reader->document->node_count - before,
                            level->height, NULL};
    if (!anchors_add(&reader->anchors, reader->document->arena, anchor))
        return refuse(reader, place, "there are too many anchors: more than 1000");
    return node;
}

/* Reads the events up to the first node. Returns false where there is none, or an error. */
static struct node *read_root(struct reader *reader)
{
    yaml_event_t event;
    struct node *root = NULL;
    for (bool goes_on = true; goes_on;) {
        if (!next_event(reader, &event))
            return NULL;
        struct level level = {.depth = 1};
        goes_on = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
        if (event.type == YAML_STREAM_END_EVENT)
            root = document_add_node(reader->document, NODE_MAPPING, (struct place){reader->document->text, 1, 1});
        else if (!goes_on)
            root = read_node(reader, &event, &level);
        yaml_event_delete(&event);
    }
    return root;
}

static struct node *check_end(struct reader *reader, struct node *root)
{
    yaml_event_t event = {0};
    do {
        yaml_event_delete(&event);
        if (!next_event(reader, &event))
            return NULL;
        if (event.type == YAML_DOCUMENT_START_EVENT)
            root = refuse(reader, place_of(reader, event.start_mark),
                          "a second document begins here: a configuration is one document");
    } while (root != NULL && event.type != YAML_STREAM_END_EVENT && event.type != YAML_NO_EVENT);
    yaml_event_delete(&event);
    return root;
}

static struct node *make_mapping_of_nothing(const struct reader *reader, struct node *root)
{
    if (root == NULL || root->kind != NODE_SCALAR || !root->is_null)
        return root;
    return document_add_node(reader->document, NODE_MAPPING, root->place);
}

struct node *document_parse(const struct document *document)
{
    struct reader reader = {.document = document};
    struct slice content = document->text->content;
    text_position_init(&reader.position, document->text);
    if (!yaml_parser_initialize(&reader.parser))
        return refuse(&reader, PLACE_NONE, "there is no memory for reading the configuration");
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)content.data, content.length);
    struct node *root = read_root(&reader);
    if (root != NULL)
        root = check_end(&reader, root);
    yaml_parser_delete(&reader.parser);
    return make_mapping_of_nothing(&reader, root);
}
