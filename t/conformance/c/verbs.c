#include "conformance.h"

#include <ctype.h>
#include <stdlib.h>

#define TEXT_ARG(text) (text).data, (text).length

flexilib_half half_of(struct flexilib_text name)
{
    return text_is(name, "request") ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE;
}

static bool set(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    return scene->core->set_header(scene->exchange, half_of(word[0]), TEXT_ARG(word[1]), TEXT_ARG(word[2]));
}

static bool add(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    return scene->core->add_header(scene->exchange, half_of(word[0]), TEXT_ARG(word[1]), TEXT_ARG(word[2]));
}

static bool remove_field(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    return scene->core->remove_header(scene->exchange, half_of(word[0]), TEXT_ARG(word[1])) != 0;
}

static bool tell(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    struct flexilib_text value = getters_find(scene, word + 2);
    return scene->core->set_header(scene->exchange, half_of(word[0]), TEXT_ARG(word[1]), TEXT_ARG(value));
}

static bool set_method(struct scene *scene)
{
    return scene->core->set_method(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool set_scheme(struct scene *scene)
{
    return scene->core->set_scheme(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool set_authority(struct scene *scene)
{
    return scene->core->set_authority(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool set_path(struct scene *scene)
{
    return scene->core->set_path(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool set_query(struct scene *scene)
{
    return scene->core->set_query(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool set_status(struct scene *scene)
{
    return scene->core->set_status(scene->exchange, (int32_t)text_number(scene->words[0]));
}

static bool set_upstream(struct scene *scene)
{
    return scene->core->set_upstream(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool set_attribute(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    return scene->core->set_attribute(scene->exchange, TEXT_ARG(word[0]), TEXT_ARG(word[1]));
}

static bool collect(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    return scene->core->collect(scene->exchange, half_of(word[0]), (uint64_t)text_number(word[1]));
}

static bool hold(struct scene *scene)
{
    return scene->core->hold_head(scene->exchange, half_of(scene->words[0]));
}

static bool decode(struct scene *scene)
{
    return scene->core->decode(scene->exchange, half_of(scene->words[0]));
}

static bool skip(struct scene *scene)
{
    return scene->core->skip_body(scene->exchange, half_of(scene->words[0]));
}

static bool pass(struct scene *scene)
{
    return scene->core->pass(scene->exchange);
}

static bool write_text(struct scene *scene)
{
    return scene->core->write(scene->exchange, TEXT_ARG(scene->words[0]));
}

static bool upper(struct scene *scene)
{
    char *text = scene->core->allocate(scene->exchange, scene->piece.length + 1);
    for (size_t i = 0; i < scene->piece.length; ++i)
        text[i] = (char)toupper((unsigned char)scene->piece.data[i]);
    return scene->core->write(scene->exchange, text, scene->piece.length);
}

static bool tail(struct scene *scene)
{
    return !scene->is_last || write_text(scene);
}

static bool drop(struct scene *scene)
{
    return true;
}

static bool reply(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    scene->answer = FLEXILIB_REPLY;
    return scene->core->reply(scene->exchange, (int32_t)text_number(word[0]), TEXT_ARG(word[1]), TEXT_ARG(word[2]));
}

static bool lend(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    struct flexilib_text body = word[2];
    char *lent = malloc(body.length + 1);
    for (size_t i = 0; i < body.length; ++i)
        lent[i] = body.data[i];
    scene->answer = FLEXILIB_REPLY;
    return scene->core->reply_lent(scene->exchange, (int32_t)text_number(word[0]), TEXT_ARG(word[1]), lent, body.length,
                                   free, lent);
}

static bool stream(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    scene->answer = FLEXILIB_REPLY;
    return scene->core->reply_stream(scene->exchange, (int32_t)text_number(word[0]), TEXT_ARG(word[1]));
}

/* Writes a text so many times, each time that it is asked, and ends with the last. */
static bool chunks(struct scene *scene)
{
    struct flexilib_text *word = scene->words;
    bool is_written = scene->core->write(scene->exchange, TEXT_ARG(word[1]));
    return ++scene->memory->count < text_number(word[0]) ? is_written : scene->core->end_reply(scene->exchange);
}

static bool fail(struct scene *scene)
{
    scene->answer = FLEXILIB_FAIL;
    return true;
}

static bool answer(struct scene *scene)
{
    scene->answer = (flexilib_answer)text_number(scene->words[0]);
    return true;
}

static bool log_text(struct scene *scene)
{
    scene->core->log(scene->core, scene->exchange, FLEXILIB_INFO, TEXT_ARG(scene->words[0]));
    return true;
}

/* What C has in place of an exception. */
static bool throw(struct scene * scene)
{
    struct flexilib_text text = print(scene, "has thrown: %.*s", (int)scene->words[0].length, scene->words[0].data);
    scene->core->log(scene->core, scene->exchange, FLEXILIB_ERROR, text.data, text.length);
    return fail(scene);
}

static const struct {
    const char *name;
    bool (*follow)(struct scene *scene);
} verbs[] = {
    {"set", set},
    {"add", add},
    {"remove", remove_field},
    {"tell", tell},
    {"set-method", set_method},
    {"set-scheme", set_scheme},
    {"set-authority", set_authority},
    {"set-path", set_path},
    {"set-query", set_query},
    {"set-status", set_status},
    {"set-upstream", set_upstream},
    {"set-attribute", set_attribute},
    {"collect", collect},
    {"hold", hold},
    {"decode", decode},
    {"skip", skip},
    {"pass", pass},
    {"write", write_text},
    {"upper", upper},
    {"tail", tail},
    {"drop", drop},
    {"reply", reply},
    {"lend", lend},
    {"stream", stream},
    {"chunks", chunks},
    {"fail", fail},
    {"answer", answer},
    {"log", log_text},
    {"throw", throw},
};

bool verbs_follow(struct scene *scene, struct flexilib_text verb)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); ++i) {
        if (!text_is(verb, verbs[i].name))
            continue;
        if (!verbs[i].follow(scene))
            scene->core->add_header(scene->exchange, scene->half, FLEXILIB_ARG("x-refused"), TEXT_ARG(verb));
        return true;
    }
    return false;
}
