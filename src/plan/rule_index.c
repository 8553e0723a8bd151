#include "plan/rule_index.h"

#include <limits.h>

struct find {
    const struct rule *rules;
    const struct lookup *lookup;
    int first;
};

static int find_in_index(const struct find *find, const struct rule_index *index, int best);

/* Each of these functions returns the least number found, or best where none is less. */

static int find_in_group(const struct find *find, const struct rule_group *group, int best)
{
    if (group->least >= best)
        return best;
    if (group->index != NULL)
        return find_in_index(find, group->index, best);
    return group->least >= find->first ? group->least : best;
}

static int find_in_leaf(const struct find *find, const struct rule_index *leaf, int best)
{
    for (size_t i = 0; i < leaf->entry_count && leaf->entries[i].number < best; ++i) {
        int number = leaf->entries[i].number;
        if (number < find->first)
            continue;
        if (leaf->entries[i].open == 0 || rule_holds(&find->rules[number], find->lookup))
            return number;
    }
    return best;
}

static int find_by_value(const struct find *find, const struct rule_index *index, uint32_t value, int best)
{
    if (value == TRIE_NONE)
        return best;
    if ((value & RULE_VALUE_FLAG) == 0)
        return find_in_group(find, &index->groups[value], best);
    int number = (int)(value & ~(uint32_t)RULE_VALUE_FLAG);
    return number < best && number >= find->first ? number : best;
}

static int find_by_text(const struct find *find, const struct rule_index *index, const struct trie *trie,
                        struct slice text, int best)
{
    const struct trie_node *node = trie->count == 0 ? NULL : &trie->nodes[TRIE_ROOT];
    size_t position = 0;
    while (node != NULL && node->least < best) {
        position += node->label_length;
        bool is_end = position == text.length;
        best = find_by_value(find, index, node->values[TRIE_PREFIX], best);
        if (is_end || text.data[position] == '/')
            best = find_by_value(find, index, node->values[TRIE_SEGMENT], best);
        if (is_end)
            best = find_by_value(find, index, node->values[TRIE_EXACT], best);
        node = trie_child(trie, node, text, position);
    }
    return best;
}

static int find_by_host(const struct find *find, const struct rule_index *index, int best)
{
    struct slice host = find->lookup->host;
    if (host.length == 0)
        return best;
    best = find_by_text(find, index, &index->forward, host, best);
    if (index->backward.count == 0)
        return best;
    char reversed[HOST_BYTES];
    for (size_t i = 0; i < host.length; ++i)
        reversed[i] = host.data[host.length - 1 - i];
    return find_by_text(find, index, &index->backward, slice_of(reversed, host.length), best);
}

static int find_by_header(const struct find *find, const struct rule_index *index, int best)
{
    struct field_walk walk = lookup_fields(find->lookup, index->subject.header);
    struct slice value;
    if (!field_next(&walk, &value))
        return find_in_group(find, &index->absent, best);
    do {
        best = find_by_text(find, index, &index->forward, value, best);
    } while (!index->first_field_only && field_next(&walk, &value));
    return best;
}

static int find_in_index(const struct find *find, const struct rule_index *index, int best)
{
    switch (index->subject.kind) {
    case SUBJECT_HOST:
        best = find_by_host(find, index, best);
        break;
    case SUBJECT_HEADER:
        best = find_by_header(find, index, best);
        break;
    case SUBJECT_PATH:
    case SUBJECT_RAW_TARGET:
    case SUBJECT_METHOD:
    case SUBJECT_LISTENER:
        best = find_by_text(find, index, &index->forward, lookup_text(find->lookup, index->subject.kind), best);
        break;
    case SUBJECT_NONE:
        return find_in_leaf(find, index, best);
    }
    return find_in_group(find, &index->rest, best);
}

int rule_index_find(const struct rule_group *group, const struct rule *rules, const struct lookup *lookup, int first)
{
    struct find find = {.rules = rules, .lookup = lookup, .first = first};
    return find_in_group(&find, group, RULE_GROUP_EMPTY);
}
