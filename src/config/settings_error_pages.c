#include "base/content_type.h"
#include "config/field_value.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    LEAST_STATUS = 400,
};

/* A page that one before it leaves nothing to is a mistake in the order. */
static bool check_order(struct settings_reader *reader, const struct error_page *pages, size_t number,
                        const struct node *mapping)
{
    const struct status_range *own = &pages[number].statuses;
    for (size_t i = 0; i < number; ++i) {
        const struct status_range *earlier = &pages[i].statuses;
        if (earlier->first > own->first || earlier->last < own->last)
            continue;
        return error_set_at(reader->error, mapping->keys[number]->place,
                            "the page for '%s' would never be sent: '%s' (line %u) stands before it",
                            wording_quote(reader->arena, mapping->keys[number]->text),
                            wording_quote(reader->arena, mapping->keys[i]->text), mapping->keys[i]->place.line);
    }
    return true;
}

static bool read_page(struct settings_reader *reader, const struct node *key, const struct node *node,
                      struct error_page *page)
{
    const struct field field = {.name = key->text.data, .type = FIELD_FILE};
    struct field_reader files = {reader->source, reader->arena, reader->error, ""};
    struct field_value value = {0};
    if (!status_parse(reader, key->place, key->text, "error_pages", LEAST_STATUS, &page->statuses) ||
        !field_value_read(&files, &field, node, &value))
        return false;
    page->content = value.text;
    page->type = content_type_find(slice_from_text(value.path));
    page->place = node->place;
    return true;
}

bool error_pages_read(struct settings_reader *reader, const struct node *node, struct error_pages *pages)
{
    if (node == NULL)
        return true;
    if (!value_check_kind(reader, node, "error_pages", NODE_MAPPING, "a mapping of statuses to files"))
        return false;
    struct error_page *items = arena_zalloc(reader->arena, node->count * sizeof(*items));
    *pages = (struct error_pages){items, node->count};
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_page(reader, node->keys[i], node->items[i], &items[i]) || !check_order(reader, items, i, node))
            return false;
    }
    return true;
}
