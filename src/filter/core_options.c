#include "base/log.h"
#include "filter/core_calls.h"
#include "filter/ranges.h"
#include "filter/regex.h"

/* Outside of create nobody waits for an answer. */
static void refuse_late(const struct use *use, const char *call, struct slice why)
{
    log_line(LOG_LEVEL_ERROR, "filter '%.*s': called %s outside of create: %.*s", SLICE_ARG(use->name), call,
             SLICE_ARG(why));
}

/* value may be NULL, or point to anything. */
static void refuse_at(const struct use *use, const struct flexilib_value *value, struct slice why)
{
    const struct use_creation *creation = use->creation;
    struct arena scratch;
    struct place place;
    const char *name;
    arena_init(&scratch, 0);
    if (why.length == 0)
        why = SLICE("it was refused without saying why");
    if (value != NULL && options_locate(&use->options, value, &scratch, &place, &name))
        error_set_at(creation->error, place, "filter '%.*s': %s: %.*s", SLICE_ARG(use->name), name, SLICE_ARG(why));
    else
        error_set_at(creation->error, creation->place, "filter '%.*s': %.*s", SLICE_ARG(use->name), SLICE_ARG(why));
    arena_finish(&scratch);
}

void core_refuse(const struct flexilib_core *core, int32_t option, const char *sentence, size_t length)
{
    const struct use *use = use_of_core(core);
    char cleaned[CORE_SENTENCE_BYTES];
    struct slice why = core_clean_sentence(sentence, length, cleaned);
    if (use->creation == NULL) {
        refuse_late(use, "refuse", why);
        return;
    }
    bool is_known = option >= 0 && (size_t)option < use->filter->option_count;
    const char *first = (const char *)use->options.values;
    const char *value = is_known ? first + (size_t)option * use->options.value_size : NULL;
    refuse_at(use, (const struct flexilib_value *)value, why);
}

void core_refuse_value(const struct flexilib_core *core, const struct flexilib_value *value, const char *sentence,
                       size_t length)
{
    const struct use *use = use_of_core(core);
    char cleaned[CORE_SENTENCE_BYTES];
    struct slice why = core_clean_sentence(sentence, length, cleaned);
    if (use->creation == NULL)
        refuse_late(use, "refuse_value", why);
    else
        refuse_at(use, value, why);
}

size_t core_match(const struct flexilib_regex *regex, const char *data, size_t length, size_t from,
                  struct flexilib_text *groups, size_t count)
{
    return regex_match(regex, slice_of(data, length), from, groups, count);
}

bool core_in_ranges(const struct flexilib_ranges *ranges, const char *address, size_t length)
{
    return ranges_hold(ranges, slice_of(address, length));
}
