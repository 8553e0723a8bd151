#ifndef T_UNIT_FILTER_ISOLATED_H
#define T_UNIT_FILTER_ISOLATED_H

/* A stand-in in a world's chain, and what it sends kept for the test, which is the process that answers. */

#include "fake.h"
#include "filter/isolated_message.h"
#include "filter/isolated_use.h"
#include "filter/isolated_wire.h"
#include "filter/library.h"

struct station {
    struct library *library;
    struct isolated_visit *visit; /* the last that has asked */
    flexilib_half which;
    struct text message;
    unsigned calls, ends;
};

static inline bool station_create(void *context, unsigned step, const struct flexilib_core *core, bool *is_waiting,
                                  struct error *error)
{
    return true;
}

static inline void station_call(void *context, struct isolated_visit *visit, flexilib_half which)
{
    struct station *station = context;
    station->visit = visit;
    station->which = which;
    ++station->calls;
    text_clear(&station->message);
    isolated_visit_print(visit, which, &station->message);
    visit->is_known = true;
}

static inline void station_end(void *context, struct isolated_visit *visit, bool wants_end)
{
    struct station *station = context;
    ++station->ends;
    text_clear(&station->message);
    if (visit->is_known)
        isolated_visit_print_end(visit, &station->message);
    station->visit = NULL;
}

static const struct isolated_services station_services = {
    .create = station_create, .call = station_call, .end = station_end};

/* A library with one filter "far" that has all hooks, and an option. */
static inline void describe_far(struct text *out)
{
    wire_add_number(out, FLEXILIB_ABI_MINOR);
    wire_add_byte(out, false);
    wire_add_byte(out, false);
    wire_add_number(out, 1);
    wire_add_text(out, SLICE("far"));
    wire_add_text(out, SLICE("is not here"));
    wire_add_text(out, SLICE("1"));
    for (int hook = 0; hook < 6; ++hook)
        wire_add_byte(out, true);
    wire_add_number(out, 0);
    wire_add_number(out, 1);
    wire_add_text(out, SLICE("color"));
    wire_add_number(out, FLEXILIB_OPTION_CHOICE);
    wire_add_byte(out, false);
    wire_add_byte(out, true);
    wire_add_text(out, SLICE("red"));
    wire_add_number(out, 0);
    wire_add_number(out, 0);
    wire_add_text(out, SLICE("of whatever there is"));
    wire_add_number(out, 2);
    wire_add_text(out, SLICE("red"));
    wire_add_text(out, SLICE("green"));
    wire_add_number(out, 0);
}

static inline void add_far(struct world *world, struct station *station)
{
    struct text description = TEXT_INIT;
    struct error error = ERROR_INIT;
    describe_far(&description);
    station->library = library_open_isolated(text_slice(&description), "/far.so", &station_services, station, &error);
    assert_string_equal(error.message, "");
    text_finish(&description);
    struct step_settings step = {.name = SLICE("far"), .number = 7};
    struct use *use =
        use_create(world->runtime, station->library, library_filter(station->library, 0), &step, NULL, &error);
    assert_string_equal(error.message, "");
    world->uses[world->chain.count++] = use;
}

static inline void station_finish(struct station *station)
{
    library_close(station->library);
    text_finish(&station->message);
}

/* Gives the call that is waited for that answer. */
static inline void station_answer(struct station *station, const struct isolated_answer *answer)
{
    struct text message = TEXT_INIT;
    struct isolated_visit *visit = station->visit;
    isolated_answer_print(answer, &message);
    station->visit = NULL;
    isolated_visit_answer(visit, station->which, text_slice(&message));
    text_finish(&message);
}

#endif
