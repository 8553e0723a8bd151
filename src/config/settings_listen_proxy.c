#include "config/settings_reader.h"

enum {
    PROXY_FROM = 0,
    PROXY_FIELDS,
};

static const struct field proxy_fields[PROXY_FIELDS] = {
    [PROXY_FROM] = {.name = "proxy_protocol", .type = FIELD_RANGES, .summary = "whose connections begin with a header"},
};

static bool read_senders(struct settings_reader *reader, const struct node *node, struct listener_settings *listener)
{
    struct value_alone alone;
    struct field_value values[PROXY_FIELDS];
    if (!fields_read(proxy_fields, PROXY_FIELDS, value_wrap(&alone, "proxy_protocol", node), node->place, "a listener",
                     reader->source, reader->arena, values, reader->error))
        return false;
    listener->proxy_senders = values[PROXY_FROM].ranges;
    listener->proxy_sender_count = values[PROXY_FROM].count;
    return true;
}

bool listener_proxy_read(struct settings_reader *reader, const struct node *node, struct listener_settings *listener)
{
    if (node == NULL)
        return true;
    if (!value_check_present(reader, node, "proxy_protocol"))
        return false;
    switch (value_switch(node)) {
    case SWITCH_OFF:
        return true;
    case SWITCH_NONE:
        return read_senders(reader, node, listener);
    case SWITCH_ON:
        break;
    }
    listener->proxy_senders = reader->settings->trusted_proxies;
    listener->proxy_sender_count = reader->settings->trusted_proxy_count;
    return listener->proxy_sender_count != 0 ||
           error_set_at(reader->error, node->place,
                        "'proxy_protocol: yes' is for connections from 'trusted_proxies', and there are none: name "
                        "them there, or write whom the header is taken from in place of 'yes'");
}
