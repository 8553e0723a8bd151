#ifndef FLEXILIB_CONFIG_TEMPLATE_H
#define FLEXILIB_CONFIG_TEMPLATE_H

/* Texts with placeholders, as the access log and options of filters take them: "{method} {path}". Read once, with the
 * configuration; filter/expansion.h says what becomes of them for an exchange.
 *
 * {NAME} stands for a value; {NAME|REST} stands for REST where there is no value, or an empty one. REST is text, and
 * may have placeholders, but no other braces. Outside of that, {{ and }} stand for braces. What names there are is told
 * by placeholder.h. */

#include "config/node.h"
#include "config/placeholder.h"

struct template_part {
    enum placeholder_kind kind;
    struct slice text; /* PLACEHOLDER_TEXT: itself; otherwise the NAME of a header, a cookie, an attribute, ... */
    const struct template *rest; /* what stands for it where it has no value; NULL: nothing */
};

struct template
{
    const struct template_part *parts;
    size_t count;
    struct place place;
};

/* Reads the text of a scalar. The result lives in the arena, and uses the node's text. Returns NULL and fills error
 * with the place of what is wrong. */
const struct template *template_read(const struct node *node, struct arena *arena, struct error *error);

#endif
