#include "process/reload.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/control_message.h"

#include <stdlib.h>

enum {
    STATUS_REFUSED = 78, /* EX_CONFIG */
};

struct reload *reload_create(unsigned id)
{
    struct reload *reload = mem_zalloc(sizeof(*reload));
    reload->id = id;
    reload->result = RELOAD_PENDING;
    reload->began_ms = clock_unix_ms();
    return reload;
}

void reload_destroy(struct reload *reload)
{
    if (reload == NULL)
        return;
    text_finish(&reload->reason);
    text_finish(&reload->sentence);
    text_finish(&reload->details);
    text_finish(&reload->changes);
    free(reload);
}

static const struct {
    enum reload_cause cause;
    const char *words;
} causes[] = {
    {RELOAD_START, "start"},         {RELOAD_LAST_GOOD, "last good"}, {RELOAD_SIGNAL, "signal HUP"},
    {RELOAD_FILES, "changed files"}, {RELOAD_COMMAND, "command"},     {RELOAD_ROLLBACK, "rollback"},
    {RELOAD_UPGRADE, "upgrade"},
};

const char *reload_cause_name(enum reload_cause cause)
{
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); ++i) {
        if (causes[i].cause == cause)
            return causes[i].words;
    }
    return "";
}

void reload_print_causes(const struct reload *reload, struct text *out)
{
    size_t start = out->length;
    for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); ++i) {
        if ((reload->causes & causes[i].cause) != 0)
            text_print(out, "%s%s", out->length == start ? "" : ", ", causes[i].words);
    }
}

const char *reload_result_name(enum reload_result result)
{
    static const char *const names[] = {
        [RELOAD_PENDING] = "pending", [RELOAD_CHANGED] = "changed",     [RELOAD_UNCHANGED] = "unchanged",
        [RELOAD_FAILED] = "failed",   [RELOAD_OVERTAKEN] = "overtaken", [RELOAD_STOPPED] = "stopped",
    };
    return names[result];
}

static void add_number(struct text *answer, unsigned number)
{
    struct text digits = TEXT_INIT;
    text_print(&digits, "%u", number);
    control_add_field(answer, text_slice(&digits));
    text_finish(&digits);
}

static int find_status(const struct reload *reload)
{
    if (reload->result == RELOAD_CHANGED || reload->result == RELOAD_UNCHANGED)
        return EXIT_SUCCESS;
    return reload->result == RELOAD_FAILED ? STATUS_REFUSED : EXIT_FAILURE;
}

void reload_answer(const struct reload *reload, struct text *answer)
{
    control_add_field(answer, SLICE("reload"));
    add_number(answer, reload->id);
    add_number(answer, reload->generation);
    control_add_field(answer, slice_from_text(reload_result_name(reload->result)));
    control_add_field(answer, text_slice(&reload->sentence));
    control_end_line(answer);
    text_add(answer, text_slice(&reload->changes));
    struct slice rest = text_slice(&reload->details);
    while (rest.length != 0) {
        size_t end = slice_find(rest, '\n');
        control_add_field(answer, SLICE("text"));
        control_add_field(answer, slice_of(rest.data, end));
        control_end_line(answer);
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    struct slice sentence = text_slice(&reload->sentence);
    control_end_answer(answer, find_status(reload), "%.*s", SLICE_ARG(sentence));
}
