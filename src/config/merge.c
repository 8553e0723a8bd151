#include "config/merge.h"

#include "config/wording.h"

struct merge_slot {
    struct node *key;
    struct node *value;
    /* Set once value is a node of our own, which may grow. */
    bool is_joined;
    size_t key_capacity;
    size_t item_capacity;
    struct name_index names;
};

/* Keys whose values from several files are joined. */
struct join_rule {
    const char *name;
    enum node_kind kind;
    bool allows_text;    /* instead of a list of one */
    bool allows_mapping; /* likewise */
};

static const struct join_rule rules[] = {
    {"listen", NODE_SEQUENCE, true, true},           {"library_path", NODE_SEQUENCE, true, false},
    {"libraries", NODE_MAPPING, false, false},       {"upstreams", NODE_MAPPING, false, false},
    {"filters", NODE_SEQUENCE, true, false},         {"routes", NODE_SEQUENCE, false, false},
    {"trusted_proxies", NODE_SEQUENCE, true, false}, {"error_pages", NODE_MAPPING, false, false},
};

static const struct join_rule *find_rule(struct slice name)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); ++i) {
        if (slice_equals(name, slice_from_text(rules[i].name)))
            return &rules[i];
    }
    return NULL;
}

const char *merge_first_place(struct arena *arena, struct place first, struct place second)
{
    if (first.text == second.text)
        return arena_print(arena, "line %u", first.line).data;
    return arena_print(arena, "%s:%u", first.text->path, first.line).data;
}

static bool refuse_duplicate(struct merge *merge, const struct node *key, const struct node *first)
{
    return error_set_at(merge->error, key->place, "duplicate key '%s' (first in %s)",
                        wording_quote(merge->arena, key->text),
                        merge_first_place(merge->arena, first->place, key->place));
}

static bool append(struct merge *merge, struct merge_slot *slot, struct node *key, struct node *item)
{
    struct node *joined = slot->value;
    if (key != NULL) {
        const struct node *first = name_index_add(&slot->names, merge->arena, key->text, key);
        if (first != NULL)
            return refuse_duplicate(merge, key, first);
        joined->keys =
            arena_grow(merge->arena, joined->keys, joined->count, &slot->key_capacity, sizeof(*joined->keys));
        joined->keys[joined->count] = key;
    }
    joined->items =
        arena_grow(merge->arena, joined->items, joined->count, &slot->item_capacity, sizeof(*joined->items));
    joined->items[joined->count++] = item;
    return true;
}

static bool check_kind(struct merge *merge, const struct join_rule *rule, const struct node *value)
{
    bool is_fine = value->kind == rule->kind || (rule->allows_text && value->kind == NODE_SCALAR) ||
                   (rule->allows_mapping && value->kind == NODE_MAPPING);
    if (value->kind == NODE_SCALAR && value->is_null)
        return error_set_at(merge->error, value->place, "'%s' has no value", rule->name);
    if (is_fine)
        return true;
    return error_set_at(merge->error, value->place, "'%s' wants %s, not %s", rule->name,
                        rule->kind == NODE_SEQUENCE ? "a list" : "a mapping", node_kind_phrase(value));
}

static bool join(struct merge *merge, struct merge_slot *slot, const struct join_rule *rule, struct node *value)
{
    if (!check_kind(merge, rule, value))
        return false;
    if (value->kind != rule->kind)
        return append(merge, slot, NULL, value);
    for (size_t i = 0; i < value->count; ++i) {
        if (!append(merge, slot, value->kind == NODE_MAPPING ? value->keys[i] : NULL, value->items[i]))
            return false;
    }
    return true;
}

static bool join_first(struct merge *merge, struct merge_slot *slot, const struct join_rule *rule)
{
    struct node *first = slot->value;
    slot->value = arena_zalloc(merge->arena, sizeof(*slot->value));
    slot->value->kind = rule->kind;
    slot->value->place = first->place;
    slot->value->file = first->file;
    slot->is_joined = true;
    return join(merge, slot, rule, first);
}

static void add_slot(struct merge *merge, struct node *key, struct node *value)
{
    struct merge_slot *slot = arena_zalloc(merge->arena, sizeof(*slot));
    slot->key = key;
    slot->value = value;
    merge->slots = arena_grow(merge->arena, merge->slots, merge->count, &merge->capacity, sizeof(*merge->slots));
    merge->slots[merge->count++] = slot;
    name_index_add(&merge->names, merge->arena, key->text, slot);
}

bool merge_add(struct merge *merge, struct node *key, struct node *value)
{
    struct merge_slot *slot = (struct merge_slot *)name_index_find(&merge->names, key->text);
    if (slot == NULL) {
        add_slot(merge, key, value);
        return true;
    }
    const struct join_rule *rule = find_rule(key->text);
    if (rule == NULL)
        return refuse_duplicate(merge, key, slot->key);
    if (!slot->is_joined && !join_first(merge, slot, rule))
        return false;
    return join(merge, slot, rule, value);
}

void merge_finish(const struct merge *merge, struct node *root)
{
    root->kind = NODE_MAPPING;
    root->count = merge->count;
    root->keys = arena_alloc(merge->arena, merge->count * sizeof(*root->keys));
    root->items = arena_alloc(merge->arena, merge->count * sizeof(*root->items));
    for (size_t i = 0; i < merge->count; ++i) {
        root->keys[i] = merge->slots[i]->key;
        root->items[i] = merge->slots[i]->value;
    }
}
