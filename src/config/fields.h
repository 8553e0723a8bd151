#ifndef FLEXILIB_CONFIG_FIELDS_H
#define FLEXILIB_CONFIG_FIELDS_H

/* Tables that describe the keys of a mapping, and the reader that checks a mapping against one. The same tables serve
 * the settings and, by way of filter/, the options of filters. The manual is made from them too. */

#include "config/address_range.h"
#include "config/node.h"

struct template;

enum field_type {
    FIELD_BOOL = 1,
    FIELD_INTEGER,
    FIELD_DURATION, /* milliseconds in integer */
    FIELD_SIZE,     /* bytes in integer */
    FIELD_TEXT,
    FIELD_LIST,     /* of texts, or one text */
    FIELD_MAP,      /* of texts to texts */
    FIELD_SECRET,   /* a text that no message may quote; nor is a source line shown of a mapping that takes one */
    FIELD_FILE,     /* a path; text is the file's content, path its absolute path */
    FIELD_PATH,     /* a path; text and path are its absolute form, it need not exist */
    FIELD_CHOICE,   /* integer is the index in choices */
    FIELD_NODE,     /* whatever stands there, for a reader that the owner writes */
    FIELD_NUMBER,   /* with a fraction or without */
    FIELD_RANGES,   /* of addresses: a list of addresses, networks, `private` and `unix`, or one of them */
    FIELD_FOLDER,   /* the path of a folder that is there; text and path are its absolute form */
    FIELD_TABLE,    /* a mapping with keys of its own, which fields tells */
    FIELD_LIST_OF,  /* a list whose items are as fields[0] says */
    FIELD_MAP_OF,   /* a mapping whose values are as fields[0] says */
    FIELD_TEMPLATE, /* a text with placeholders; in expansion */
};

struct field {
    const char *name;
    enum field_type type;
    bool required;
    const char *fallback;       /* the default as it would be written in YAML, or NULL */
    int64_t minimum, maximum;   /* for numbers, durations and sizes; both 0 means any */
    const char *const *choices; /* for FIELD_CHOICE, NULL-terminated */
    const char *summary;        /* one line for the manual */
    const struct field *fields; /* field_count of them; one, whose name does not count, for lists and maps */
    size_t field_count;
};

struct field_pair {
    struct slice name;
    struct slice value;
    struct place name_place;
    struct place value_place;
};

struct field_item {
    struct slice text;
    struct place place;
};

struct field_value {
    bool present;       /* written in the file, or having a fallback */
    bool written;       /* written in the file */
    struct place place; /* of the value; of the mapping where it is not written */
    bool boolean;
    int64_t integer;
    struct slice text;
    const char *path;
    double number;
    const struct field_item *list;      /* count items; for FIELD_MAP_OF the names */
    const struct field_pair *map;       /* count items */
    const struct address_range *ranges; /* count items */
    /* Of the nested fields: count of them for FIELD_LIST_OF and FIELD_MAP_OF, one a field for FIELD_TABLE. */
    struct field_value *values;
    size_t count;
    const struct template *expansion;
    const struct node *node;
};

/* A file that the settings name, as it was read. */
struct file_settings {
    struct slice content; /* without bytes: not there */
    const char *path;
    struct place place;
};

/* What a value of FIELD_FILE says. */
static inline struct file_settings file_settings_take(const struct field_value *value)
{
    return (struct file_settings){.content = value->text, .path = value->path, .place = value->place};
}

/* Checks mapping (NULL counts as an empty one, standing at `where`) against count fields, and fills values in the same
 * order. A null is no value, except for FIELD_NODE. what names the mapping in messages ("unknown key 'adress' in a
 * listener (did you mean 'address'?)"). Values live in the arena. Files are read through source. Returns false and
 * fills error. */
bool fields_read(const struct field *fields, size_t count, const struct node *mapping, struct place where,
                 const char *what, struct source *source, struct arena *arena, struct field_value *values,
                 struct error *error);

#endif
