#ifndef T_UNIT_FILTER_LOOPBACK_H
#define T_UNIT_FILTER_LOOPBACK_H

/* Filters of a world that run in another process, which is this one: what a stand-in sends waits in a queue until the
 * test moves it, and so does what comes back. The other process may die at any time. */

#include "fake.h"
#include "filter/isolated_guest.h"
#include "filter/isolated_use.h"
#include "filter/isolated_wire.h"
#include "filter/library.h"

enum {
    MOST_LOOPBACKS = 8,
    MOST_PARCELS = 64,
};

struct loopback;

/* An exchange there. */
struct lodger {
    struct loopback *loopback;
    struct isolated_visit *visit; /* NULL: the near side has ended it */
    struct isolated_guest *guest; /* NULL: it is over there */
};

struct parcel {
    struct lodger *lodger;
    bool is_end;
    uint64_t call;
    struct text message;
};

struct parcels {
    struct parcel items[MOST_PARCELS];
    size_t count;
};

struct loopback {
    struct library *library;
    struct use *use; /* the real one */
    struct chain chain;
    struct lodger *lodgers[MOST_PARCELS];
    size_t lodger_count;
    uint64_t calls;
    struct parcels there, back;
};

static struct loopback loopbacks[MOST_LOOPBACKS];
static size_t loopback_count;

static inline struct parcel *parcels_add(struct parcels *parcels, struct lodger *lodger)
{
    assert_true(parcels->count < MOST_PARCELS);
    struct parcel *parcel = &parcels->items[parcels->count++];
    *parcel = (struct parcel){.lodger = lodger};
    return parcel;
}

static inline struct parcel parcels_take(struct parcels *parcels)
{
    struct parcel first = parcels->items[0];
    memmove(parcels->items, parcels->items + 1, --parcels->count * sizeof(first));
    return first;
}

static inline void loopback_answered(void *data, uint64_t call, struct slice message, bool is_last)
{
    struct lodger *lodger = data;
    struct parcel *parcel = parcels_add(&lodger->loopback->back, lodger);
    parcel->call = call;
    text_add(&parcel->message, message);
    assert_false(is_last);
}

static inline void loopback_paused(void *data, uint64_t call)
{
}

static inline void loopback_finished(void *data)
{
    ((struct lodger *)data)->guest = NULL;
}

static const struct guest_owner loopback_guest_owner = {loopback_answered, loopback_paused, loopback_finished};

static inline bool loopback_create(void *context, unsigned step, const struct flexilib_core *core, bool *is_waiting,
                                   struct error *error)
{
    return true;
}

static inline struct lodger *add_lodger(struct loopback *loopback, struct isolated_visit *visit)
{
    struct lodger *lodger = calloc(1, sizeof(*lodger));
    assert_true(loopback->lodger_count < MOST_PARCELS);
    loopback->lodgers[loopback->lodger_count++] = lodger;
    *lodger = (struct lodger){.loopback = loopback, .visit = visit};
    lodger->guest = isolated_guest_create(visit->exchange->runtime, &loopback->chain, &loopback_guest_owner, lodger);
    return visit->process = lodger;
}

static inline void loopback_call(void *context, struct isolated_visit *visit, flexilib_half which)
{
    struct loopback *loopback = context;
    struct lodger *lodger = visit->process == NULL ? add_lodger(loopback, visit) : visit->process;
    struct parcel *parcel = parcels_add(&loopback->there, lodger);
    parcel->call = visit->calls[which] = ++loopback->calls;
    isolated_visit_print(visit, which, &parcel->message);
    visit->is_known = true;
}

static inline void loopback_end(void *context, struct isolated_visit *visit, bool wants_end)
{
    struct lodger *lodger = visit->process;
    if (lodger == NULL)
        return;
    lodger->visit = NULL;
    struct parcel *parcel = parcels_add(&lodger->loopback->there, lodger);
    parcel->is_end = true;
    isolated_visit_print_end(visit, &parcel->message);
}

static const struct isolated_services loopback_services = {
    .create = loopback_create, .call = loopback_call, .end = loopback_end};

static inline void describe_script(const struct script *script, struct text *out)
{
    wire_add_number(out, FLEXILIB_ABI_MINOR);
    wire_add_byte(out, false);
    wire_add_byte(out, false);
    wire_add_number(out, 1);
    wire_add_text(out, slice_from_text(script->name));
    wire_add_text(out, SLICE_NONE);
    wire_add_text(out, SLICE_NONE);
    wire_add_byte(out, script->filter.on_request_head != NULL);
    wire_add_byte(out, script->filter.on_request_body != NULL);
    wire_add_byte(out, script->filter.on_response_head != NULL);
    wire_add_byte(out, script->filter.on_response_body != NULL);
    wire_add_byte(out, script->filter.on_reply_body != NULL);
    wire_add_byte(out, script->filter.on_end != NULL);
    bool has_body_hook = script->filter.on_request_body != NULL || script->filter.on_response_body != NULL;
    wire_add_number(out, has_body_hook ? script->filter.flags : 0);
    wire_add_number(out, 0);
}

/* Adds the filter as add_filter does, but on the other side. */
static inline void add_loopback_filter(struct world *world, struct script *script, const char *name)
{
    struct loopback *loopback = &loopbacks[loopback_count++];
    struct text description = TEXT_INIT;
    struct error error = ERROR_INIT;
    struct step_settings step = {.name = slice_from_text(name)};
    *loopback = (struct loopback){0};
    add_filter(world, script, name);
    struct use **place = &world->uses[world->chain.count - 1];
    loopback->use = *place;
    loopback->chain = (struct chain){.uses = &loopback->use, .count = 1};
    describe_script(script, &description);
    loopback->library =
        library_open_isolated(text_slice(&description), "/far.so", &loopback_services, loopback, &error);
    assert_string_equal(error.message, "");
    *place = use_create(world->runtime, loopback->library, library_filter(loopback->library, 0), &step, NULL, &error);
    assert_string_equal(error.message, "");
    text_finish(&description);
}

/* One parcel arrives. */
static inline void loopback_move_there(struct loopback *loopback)
{
    struct parcel parcel = parcels_take(&loopback->there);
    struct lodger *lodger = parcel.lodger;
    if (lodger->guest != NULL && parcel.is_end)
        isolated_guest_end(lodger->guest, text_slice(&parcel.message));
    else if (lodger->guest != NULL)
        assert_true(isolated_guest_call(lodger->guest, parcel.call, text_slice(&parcel.message)));
    text_finish(&parcel.message);
}

static inline void loopback_move_back(struct loopback *loopback)
{
    struct parcel parcel = parcels_take(&loopback->back);
    struct isolated_visit *visit = parcel.lodger->visit;
    for (flexilib_half which = 0; visit != NULL && which < 2; ++which) {
        if (visit->calls[which] != parcel.call)
            continue;
        visit->calls[which] = 0;
        isolated_visit_answer(visit, which, text_slice(&parcel.message));
        break;
    }
    text_finish(&parcel.message);
}

/* The other process is gone, and with it all that it knew; only its filter still hears of the ends. */
static inline void loopback_die(struct loopback *loopback)
{
    while (loopback->there.count != 0 || loopback->back.count != 0) {
        struct parcel parcel = parcels_take(loopback->there.count != 0 ? &loopback->there : &loopback->back);
        text_finish(&parcel.message);
    }
    for (size_t i = 0; i < loopback->lodger_count; ++i) {
        struct lodger *lodger = loopback->lodgers[i];
        struct isolated_visit *visit = lodger->visit;
        if (lodger->guest != NULL)
            isolated_guest_end(lodger->guest, SLICE_NONE);
        lodger->visit = NULL;
        if (visit == NULL)
            continue;
        const bool is_due[] = {visit->calls[0] != 0, visit->calls[1] != 0};
        visit->process = NULL;
        visit->is_lost = true;
        visit->calls[0] = visit->calls[1] = 0;
        for (flexilib_half which = 0; which < 2; ++which) {
            if (is_due[which])
                isolated_visit_lose(visit, which, 502);
        }
    }
}

/* Returns false where nothing is under way. */
static inline bool loopbacks_move(void)
{
    for (size_t i = 0; i < loopback_count; ++i) {
        if (loopbacks[i].there.count != 0)
            loopback_move_there(&loopbacks[i]);
        else if (loopbacks[i].back.count != 0)
            loopback_move_back(&loopbacks[i]);
        else
            continue;
        return true;
    }
    return false;
}

/* Before the world goes, whose exchanges are over. */
static inline void loopbacks_finish(void)
{
    while (loopbacks_move())
        continue;
    for (size_t i = 0; i < loopback_count; ++i) {
        for (size_t j = 0; j < loopbacks[i].lodger_count; ++j) {
            assert_null(loopbacks[i].lodgers[j]->guest);
            free(loopbacks[i].lodgers[j]);
        }
        use_destroy(loopbacks[i].use);
    }
}

/* After it. */
static inline void loopbacks_forget(void)
{
    while (loopback_count != 0)
        library_close(loopbacks[--loopback_count].library);
}

#endif
