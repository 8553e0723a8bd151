#include "conformance.h"

#include <stdlib.h>

#define TEXT_ARG(text) (text).data, (text).length

static const struct flexilib_text nothing = {"-", 1};

static struct flexilib_text list_names(const struct scene *scene, flexilib_half half)
{
    struct flexilib_text names = {"", 0};
    struct flexilib_pair field;
    for (size_t i = 0; scene->core->header_at(scene->exchange, half, i, &field); ++i)
        names = print(scene, "%.*s%s%.*s", (int)names.length, names.data, i == 0 ? "" : ",", (int)field.name.length,
                      field.name.data);
    return names;
}

static struct flexilib_text match(const struct scene *scene, struct flexilib_text text)
{
    struct flexilib_text groups[4];
    struct flexilib_text list = nothing;
    size_t count = scene->core->match(scene->actor->pattern, TEXT_ARG(text), 0, groups, 4);
    for (size_t i = 0; i < count && i < 4; ++i)
        list = i == 0 ? groups[0]
                      : print(scene, "%.*s|%.*s", (int)list.length, list.data, (int)groups[i].length, groups[i].data);
    return list;
}

/* Getters that look something up. */
static struct flexilib_text look_up(const struct scene *scene, const struct flexilib_text *words)
{
    const struct flexilib_core *core = scene->core;
    struct flexilib_text value = nothing;
    if (text_is(words[0], "header"))
        core->header(scene->exchange, half_of(words[1]), TEXT_ARG(words[2]), &value);
    else if (text_is(words[0], "headers"))
        value = list_names(scene, half_of(words[1]));
    else if (text_is(words[0], "attribute"))
        core->attribute(scene->exchange, TEXT_ARG(words[1]), &value);
    else if (text_is(words[0], "tls"))
        core->tls(scene->exchange, (flexilib_tls_fact)text_number(words[1]), &value);
    else if (text_is(words[0], "match"))
        value = match(scene, words[1]);
    else if (text_is(words[0], "in-ranges"))
        value = core->in_ranges(scene->actor->ranges, TEXT_ARG(words[1])) ? FLEXILIB_TEXT("yes") : FLEXILIB_TEXT("no");
    return value;
}

/* Getters that give a number, or that need some code of their own. */
static struct flexilib_text work_out(const struct scene *scene, const struct flexilib_text *words)
{
    const struct flexilib_core *core = scene->core;
    if (text_is(words[0], "status"))
        return print(scene, "%d", core->status(scene->exchange));
    if (text_is(words[0], "has-port"))
        return core->peer_port(scene->exchange) != 0 ? FLEXILIB_TEXT("yes") : FLEXILIB_TEXT("no");
    if (text_is(words[0], "count"))
        return print(scene, "%d", (int)++scene->memory->count);
    if (text_is(words[0], "result"))
        return scene->memory->result;
    if (text_is(words[0], "expansion"))
        return core->expand(scene->exchange, scene->actor->expansion);
    return look_up(scene, words);
}

struct flexilib_text getters_find(const struct scene *scene, const struct flexilib_text *words)
{
    const struct flexilib_core *core = scene->core;
    const struct {
        const char *name;
        struct flexilib_text (*get)(const struct flexilib_exchange *exchange);
    } getters[] = {
        {"method", core->method},     {"scheme", core->scheme},       {"path", core->path},
        {"query", core->query},       {"route", core->route},         {"request-id", core->request_id},
        {"trace-id", core->trace_id}, {"authority", core->authority}, {"address", core->peer_address},
    };
    for (size_t i = 0; i < sizeof(getters) / sizeof(getters[0]); ++i) {
        if (text_is(words[0], getters[i].name))
            return getters[i].get(scene->exchange);
    }
    return work_out(scene, words);
}
