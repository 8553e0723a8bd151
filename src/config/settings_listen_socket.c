#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    SOCKET_BACKLOG = 0,
    SOCKET_MODE,
    SOCKET_OWNER,
    SOCKET_GROUP,
};

enum {
    MODE_DIGITS = 3, /* and a 0 in front */
};

static bool refuse_mode(struct settings_reader *reader, const struct field_value *value)
{
    return error_set_at(reader->error, value->place,
                        "'mode' wants three octal digits, such as 0660 (read and write for owner and group), not '%s'",
                        wording_quote(reader->arena, value->text));
}

static bool read_mode(struct settings_reader *reader, const struct field_value *value,
                      struct listener_settings *listener)
{
    struct slice digits = value->text;
    if (digits.length == MODE_DIGITS + 1 && digits.data[0] == '0')
        digits = slice_skip(digits, 1);
    if (digits.length != MODE_DIGITS)
        return refuse_mode(reader, value);
    listener->has_mode = true;
    for (size_t i = 0; i < digits.length; ++i) {
        if (digits.data[i] < '0' || digits.data[i] > '7')
            return refuse_mode(reader, value);
        listener->mode = listener->mode << 3 | (unsigned)(digits.data[i] - '0');
    }
    return true;
}

static bool read_name(struct settings_reader *reader, const struct field_value *value, const char *key,
                      struct slice *name, struct place *place)
{
    *name = value->text;
    *place = value->place;
    return value->text.length != 0 ||
           error_set_at(reader->error, value->place, "'%s' wants a name or a number, not an empty text", key);
}

static bool check_kind(struct settings_reader *reader, const struct field_value *value, const char *key,
                       const struct listener_settings *listener)
{
    return !value->written || listener->is_unix ||
           error_set_at(reader->error, value->place, "'%s' is for the files of unix sockets, and this address has none",
                        key);
}

bool listener_socket_read(struct settings_reader *reader, const struct field_value *values,
                          struct listener_settings *listener)
{
    const struct field_value *mode = &values[SOCKET_MODE], *owner = &values[SOCKET_OWNER],
                             *group = &values[SOCKET_GROUP];
    if (values[SOCKET_BACKLOG].written)
        listener->backlog = values[SOCKET_BACKLOG].integer;
    return check_kind(reader, mode, "mode", listener) && check_kind(reader, owner, "owner", listener) &&
           check_kind(reader, group, "group", listener) && (!mode->written || read_mode(reader, mode, listener)) &&
           (!owner->written || read_name(reader, owner, "owner", &listener->owner, &listener->owner_place)) &&
           (!group->written || read_name(reader, group, "group", &listener->group, &listener->group_place));
}
