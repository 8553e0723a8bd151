#include "base/suggest.h"
#include "config/settings_reader.h"
#include "config/wording.h"

static const char *const kinds[] = {
    [BALANCE_ROUND_ROBIN] = "round-robin",
    [BALANCE_LEAST_REQUESTS] = "least-requests",
    [BALANCE_RANDOM_TWO] = "random-two",
    [BALANCE_HASH] = "hash",
};

/* What other proxies call it. */
struct foreign_name {
    const char *name, *ours;
};

static const struct foreign_name foreign_names[] = {
    {"least_conn", "least-requests"}, {"leastconn", "least-requests"},  {"least_request", "least-requests"},
    {"roundrobin", "round-robin"},    {"round_robin", "round-robin"},   {"random", "random-two"},
    {"random_choose", "random-two"},  {"ip_hash", "{ hash: address }"}, {"source", "{ hash: address }"},
    {"uri", "{ hash: path }"},        {"uri_hash", "{ hash: path }"},   {"ring_hash", "{ hash: address }"},
    {"maglev", "{ hash: address }"},
};

static const char *find_hint(struct settings_reader *reader, struct slice text)
{
    for (size_t i = 0; i < sizeof(foreign_names) / sizeof(foreign_names[0]); ++i) {
        if (slice_equals_nocase(text, slice_from_text(foreign_names[i].name)))
            return arena_print(reader->arena, " (did you mean '%s'?)", foreign_names[i].ours).data;
    }
    struct suggest suggest = suggest_start(text);
    for (size_t i = BALANCE_ROUND_ROBIN; i < BALANCE_HASH; ++i)
        suggest_offer(&suggest, slice_from_text(kinds[i]));
    char phrase[SUGGEST_PHRASE_BYTES];
    return arena_copy(reader->arena, slice_from_text(suggest_phrase(&suggest, phrase))).data;
}

static bool read_kind(struct settings_reader *reader, const struct node *node, struct balance_settings *balance)
{
    if (!value_check_present(reader, node, "balance"))
        return false;
    for (size_t i = BALANCE_ROUND_ROBIN; i < BALANCE_HASH; ++i) {
        if (!slice_equals(node->text, slice_from_text(kinds[i])))
            continue;
        balance->kind = (enum balance_kind)i;
        return true;
    }
    if (slice_equals(node->text, SLICE("hash")))
        return error_set_at(
            reader->error, node->place,
            "'hash' wants what is hashed: { hash: address }, { hash: path }, { hash: { header: NAME } } "
            "or { hash: { cookie: NAME } }");
    return error_set_at(reader->error, node->place,
                        "'balance' must be 'round-robin', 'least-requests', 'random-two' or { hash: ... }, not '%s'%s",
                        wording_quote(reader->arena, node->text), find_hint(reader, node->text));
}

enum {
    HASH_HEADER = 0,
    HASH_COOKIE,
    HASH_FIELDS,
};

static const struct field hash_fields[HASH_FIELDS] = {
    [HASH_HEADER] = {.name = "header", .type = FIELD_TEXT, .summary = "the header field whose value is hashed"},
    [HASH_COOKIE] = {.name = "cookie", .type = FIELD_TEXT, .summary = "the cookie whose value is hashed"},
};

static bool read_hash_mapping(struct settings_reader *reader, const struct node *node, struct balance_settings *balance)
{
    struct field_value values[HASH_FIELDS];
    if (!fields_read(hash_fields, HASH_FIELDS, node, node->place, "'hash'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    const struct field_value *header = &values[HASH_HEADER], *cookie = &values[HASH_COOKIE];
    if (header->written == cookie->written)
        return error_set_at(reader->error, header->written ? cookie->place : node->place,
                            header->written ? "'header' and 'cookie' exclude each other in 'hash'"
                                            : "'hash' wants 'header' or 'cookie' in its mapping");
    const struct field_value *name = header->written ? header : cookie;
    balance->key = header->written ? BALANCE_KEY_HEADER : BALANCE_KEY_COOKIE;
    balance->key_name = name->text;
    return pattern_is_token(name->text) ||
           error_set_at(reader->error, name->place, "'%s' cannot be the name of a %s",
                        wording_quote(reader->arena, name->text), header->written ? "header" : "cookie");
}

static bool refuse_hash(struct settings_reader *reader, const struct node *node)
{
    struct suggest suggest = suggest_start(node->text);
    suggest_offer(&suggest, SLICE("address"));
    suggest_offer(&suggest, SLICE("path"));
    char phrase[SUGGEST_PHRASE_BYTES];
    bool is_text = node->kind == NODE_SCALAR;
    return error_set_at(reader->error, node->place,
                        "'hash' must be 'address', 'path', { header: NAME } or { cookie: NAME }, not %s%s%s%s",
                        is_text ? "'" : "", is_text ? wording_quote(reader->arena, node->text) : node_kind_phrase(node),
                        is_text ? "'" : "", is_text ? suggest_phrase(&suggest, phrase) : "");
}

static bool read_hash(struct settings_reader *reader, const struct node *node, struct balance_settings *balance)
{
    balance->kind = BALANCE_HASH;
    if (!value_check_present(reader, node, "hash"))
        return false;
    if (node->kind == NODE_MAPPING)
        return read_hash_mapping(reader, node, balance);
    if (node->kind == NODE_SCALAR && slice_equals(node->text, SLICE("address")))
        balance->key = BALANCE_KEY_ADDRESS;
    else if (node->kind == NODE_SCALAR && slice_equals(node->text, SLICE("path")))
        balance->key = BALANCE_KEY_PATH;
    else
        return refuse_hash(reader, node);
    return true;
}

enum {
    BALANCE_FIELD_HASH = 0,
    BALANCE_FIELDS,
};

static const struct field balance_fields[BALANCE_FIELDS] = {
    [BALANCE_FIELD_HASH] = {.name = "hash",
                            .type = FIELD_NODE,
                            .required = true,
                            .summary = "address, path, { header: NAME } or { cookie: NAME }"},
};

bool upstream_balance_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    struct field_value values[BALANCE_FIELDS];
    if (node == NULL)
        return true;
    if (node->kind == NODE_SCALAR)
        return read_kind(reader, node, &upstream->balance);
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "'balance' is a text or a mapping, not a list");
    return fields_read(balance_fields, BALANCE_FIELDS, node, node->place, "'balance'", reader->source, reader->arena,
                       values, reader->error) &&
           read_hash(reader, values[BALANCE_FIELD_HASH].node, &upstream->balance);
}
