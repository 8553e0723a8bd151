#ifndef FLEXILIB_CONFIG_FIELD_VALUE_H
#define FLEXILIB_CONFIG_FIELD_VALUE_H

/* Reads one key's value by its type. fields.c does the mapping around it, field_nested.c what holds further fields, and
 * field_ranges.c addresses. All functions return false, with error filled, where something is wrong. */

#include "config/fields.h"

struct field_reader {
    struct source *source;
    struct arena *arena;
    struct error *error;
    const char *part; /* what messages say in front of the field's name: "", "an item of " */
};

/* Fills what the field's type asks for, place and node. */
bool field_value_read(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value);

/* Says that a value of the field's type is none of this kind. Always false. */
bool field_value_refuse_kind(const struct field_reader *reader, const struct field *field, const struct node *node);

/* field_nested.c: FIELD_TABLE, FIELD_LIST_OF and FIELD_MAP_OF. */
bool field_nested_read(const struct field_reader *reader, const struct field *field, const struct node *node,
                       struct field_value *value);

/* field_ranges.c: makes ranges of the texts in value->list. */
bool field_ranges_read(const struct field_reader *reader, const struct field *field, struct field_value *value);

/* A table of fields, and what messages call the mapping that it describes. */
struct field_table {
    const struct field *fields;
    size_t count;
    const char *what;
};

/* fields.c: what fields_read does, in a mapping within others. */
bool field_table_read(const struct field_reader *reader, const struct field_table *table, const struct node *mapping,
                      struct place where, struct field_value *values);

#endif
