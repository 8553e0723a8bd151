#include "runner/refusal.h"

#include "filter/isolated_wire.h"

void refusal_print(const struct error *error, struct text *out)
{
    wire_add_text(out, slice_from_text(error->message));
    wire_add_text(out, slice_from_text(error->path));
    wire_add_number(out, error->line);
    wire_add_number(out, error->column);
    wire_add_text(out, slice_from_text(error->source_line));
    wire_add_number(out, error->caret);
}

static void take_text(struct wire *wire, char *out, size_t capacity)
{
    struct slice text = wire_text(wire);
    size_t length = text.length < capacity ? text.length : capacity - 1;
    if (length != 0)
        memcpy(out, text.data, length);
    out[length] = '\0';
}

void refusal_read(struct slice message, struct error *error)
{
    struct wire wire = {.rest = message};
    if (error->is_set)
        return;
    take_text(&wire, error->message, sizeof(error->message));
    take_text(&wire, error->path, sizeof(error->path));
    error->line = (unsigned)wire_number(&wire);
    error->column = (unsigned)wire_number(&wire);
    take_text(&wire, error->source_line, sizeof(error->source_line));
    error->caret = (size_t)wire_number(&wire);
    error->is_set = true;
    if (!wire_is_good(&wire) || error->message[0] == '\0' || error->caret > strlen(error->source_line)) {
        *error = ERROR_INIT;
        error_set(error, "its process does not say why");
    }
}
