#include "config/settings_reader.h"
#include "config/wording.h"

bool value_check_kind(struct settings_reader *reader, const struct node *node, const char *key, enum node_kind kind,
                      const char *wanted)
{
    if (node->kind == NODE_SCALAR && node->is_null)
        return error_set_at(reader->error, node->place, "'%s' has no value", key);
    return node->kind == kind ||
           error_set_at(reader->error, node->place, "'%s' wants %s, not %s", key, wanted, node_kind_phrase(node));
}

static bool is_name_character(char c, bool allows_dots)
{
    char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           (c == '.' && allows_dots);
}

bool name_check(struct settings_reader *reader, const struct node *node, const char *what, bool allows_dots)
{
    bool is_name = node->text.length != 0;
    for (size_t i = 0; i < node->text.length; ++i)
        is_name = is_name && is_name_character(node->text.data[i], allows_dots);
    return is_name ||
           error_set_at(reader->error, node->place, "'%s' cannot be the name of %s: letters, digits, '-'%s and '_' can",
                        wording_quote(reader->arena, node->text), what, allows_dots ? ", '.'" : "");
}
