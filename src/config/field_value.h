#ifndef FLEXILIB_CONFIG_FIELD_VALUE_H
#define FLEXILIB_CONFIG_FIELD_VALUE_H

/* Reads one key's value by its type; fields.c does the mapping around it. */

#include "config/fields.h"

struct field_reader {
    struct source *source;
    struct arena *arena;
    struct error *error;
};

/* Fills what the field's type asks for, place and node. Returns false and fills error. */
bool field_value_read(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value);

#endif
