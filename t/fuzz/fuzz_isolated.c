/* What a runner may say to its worker, in answer to calls of a whole exchange, and what a worker may say to its runner.
 */

#include "filter/chain.h"
#include "filter/exchange_state.h"
#include "filter/isolated_guest.h"
#include "filter/isolated_library.h"
#include "filter/isolated_message.h"
#include "filter/isolated_use.h"
#include "filter/library.h"
#include "filter/use.h"
#include "fuzz.h"
#include "runner/refusal.h"

enum {
    MOST_TURNS = 200,
    HOOKS = 6,
};

/* What is left of the input. */
struct input {
    const uint8_t *bytes;
    size_t size;
};

/* The next part, whose length two bytes tell. */
static struct slice take(struct input *input)
{
    size_t length = input->size < 2 ? 0 : input->bytes[0] | (size_t)input->bytes[1] << 8;
    if (input->size < 2)
        return SLICE_NONE;
    input->bytes += 2;
    input->size -= 2;
    if (length > input->size)
        length = input->size;
    struct slice part = slice_of((const char *)input->bytes, length);
    input->bytes += length;
    input->size -= length;
    return part;
}

/* The far side, which answers with what the input says. */
struct far {
    struct isolated_visit *visit;
    flexilib_half which;
    unsigned ends;
};

static bool create_far(void *context, unsigned step, const struct flexilib_core *core, bool *is_waiting,
                       struct error *error)
{
    return true;
}

static void call_far(void *context, struct isolated_visit *visit, flexilib_half which)
{
    struct far *far = context;
    struct text message = TEXT_INIT;
    far->visit = visit;
    far->which = which;
    isolated_visit_print(visit, which, &message);
    CLAIM(isolated_call_step(text_slice(&message)) == 0);
    visit->is_known = true;
    text_finish(&message);
}

static void end_far(void *context, struct isolated_visit *visit, bool wants_end)
{
    struct far *far = context;
    ++far->ends;
    far->visit = NULL;
}

static const struct isolated_services services = {.create = create_far, .call = call_far, .end = end_far};

/* The world around the exchange, which lets everything happen. */
struct world {
    struct exchange *exchange;
    bool is_pulled, is_sending, is_finished;
};

static void forward(struct exchange *exchange)
{
    exchange->response.status = 200;
    exchange->response.body_length = -1;
    exchange_response_head(exchange);
}

static void check_fields(const struct headers *headers)
{
    for (size_t i = 0; i < headers->count; ++i)
        CLAIM(header_is_name(headers->items[i].name) && header_is_value(headers->items[i].value) &&
              !header_is_hop_by_hop(headers->items[i].name));
}

static void send_head(struct exchange *exchange)
{
    CLAIM(exchange->response.status >= 200 && exchange->response.status <= 599);
    check_fields(&exchange->request.headers);
    check_fields(&exchange->response.headers);
}

static void send_body(struct exchange *exchange, struct slice data, bool last)
{
    ((struct world *)exchange->owner_data)->is_sending = true;
}

static void pull(struct exchange *exchange)
{
    ((struct world *)exchange->owner_data)->is_pulled = true;
}

static void ignore(struct exchange *exchange)
{
}

static void ignore_pause(struct exchange *exchange, bool is_paused)
{
}

static void finished(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    world->is_finished = true;
    exchange_destroy(exchange);
}

static const struct exchange_owner owner = {
    .forward = forward,
    .send_head = send_head,
    .send_body = send_body,
    .pull = pull,
    .flush = ignore,
    .cancel = ignore,
    .abort = ignore,
    .paused = ignore_pause,
    .finished = finished,
};

static void ignore_wake(void *context)
{
}

static struct runtime *make_runtime(void)
{
    return runtime_create(&(struct runtime_services){.wake = ignore_wake}, NULL, 1024);
}

static void describe(struct text *out)
{
    wire_add_number(out, FLEXILIB_ABI_MINOR);
    wire_add_byte(out, false);
    wire_add_byte(out, false);
    wire_add_number(out, 1);
    wire_add_text(out, SLICE("far"));
    wire_add_text(out, SLICE(""));
    wire_add_text(out, SLICE(""));
    for (int i = 0; i < HOOKS; ++i)
        wire_add_byte(out, true);
    wire_add_number(out, 0);
    wire_add_number(out, 0);
}

static void move(struct world *world, struct far *far, struct input *input)
{
    struct isolated_visit *visit = far->visit;
    if (visit != NULL) {
        far->visit = NULL;
        isolated_visit_answer(visit, far->which, take(input));
    } else if (world->is_sending) {
        world->is_sending = false;
        exchange_sent(world->exchange);
    } else if (world->is_pulled) {
        world->is_pulled = false;
        exchange_response_body(world->exchange, SLICE("hello"), true);
    } else {
        exchange_gone(world->exchange);
    }
}

/* A worker whose runner says what it likes. */
static void answer_worker(struct input *input)
{
    struct far far = {0};
    struct world world = {0};
    struct text description = TEXT_INIT;
    struct error error = ERROR_INIT;
    struct runtime *runtime = make_runtime();
    describe(&description);
    struct library *library = library_open_isolated(text_slice(&description), "/far.so", &services, &far, &error);
    const struct step_settings step = {.name = SLICE("far")};
    struct use *use = use_create(runtime, library, library_filter(library, 0), &step, NULL, &error);
    const struct chain chain = {.uses = &use, .count = 1};
    world.exchange = exchange_create(runtime, &owner, &world);
    world.exchange->request.method = SLICE("GET");
    world.exchange->request.path = SLICE("/");
    world.exchange->request_body = SLICE("question");
    exchange_start(world.exchange, &chain);
    for (unsigned i = 0; i < MOST_TURNS && !world.is_finished; ++i)
        move(&world, &far, input);
    if (!world.is_finished)
        exchange_gone(world.exchange);
    CLAIM(world.is_finished && far.ends == 1);
    use_destroy(use);
    library_close(library);
    runtime_destroy(runtime);
    text_finish(&description);
}

static flexilib_answer go_on(void *filter, struct flexilib_exchange *exchange)
{
    return FLEXILIB_CONTINUE;
}

static flexilib_answer go_on_with_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    return FLEXILIB_CONTINUE;
}

static void note_end(void *filter, struct flexilib_exchange *exchange)
{
}

static const struct flexilib_filter near_filter = {
    .name = "near",
    .on_request_head = go_on,
    .on_request_body = go_on_with_body,
    .on_response_head = go_on,
    .on_response_body = go_on_with_body,
    .on_reply_body = go_on,
    .on_end = note_end,
};

static void on_answered(void *data, uint64_t call, struct slice message, bool is_last)
{
    struct arena arena;
    struct isolated_answer answer;
    arena_init(&arena, 0);
    CLAIM(isolated_answer_read(message, &arena, &answer));
    arena_finish(&arena);
}

static void on_paused(void *data, uint64_t call)
{
}

static void on_finished(void *data)
{
    *(bool *)data = true;
}

static const struct guest_owner guest_owner = {on_answered, on_paused, on_finished};

/* A runner whose worker does. */
static void ask_runner(struct input *input)
{
    bool is_finished = false, is_good = true;
    struct error error = ERROR_INIT;
    struct runtime *runtime = make_runtime();
    const struct step_settings step = {.name = SLICE("near")};
    struct use *use = use_create(runtime, NULL, &near_filter, &step, NULL, &error);
    const struct chain chain = {.uses = &use, .count = 1};
    struct isolated_guest *guest = isolated_guest_create(runtime, &chain, &guest_owner, &is_finished);
    for (uint64_t call = 1; input->size > 2 && is_good; ++call)
        is_good = isolated_guest_call(guest, call, take(input));
    isolated_guest_end(guest, take(input));
    CLAIM(is_finished);
    use_destroy(use);
    runtime_destroy(runtime);
}

static void read_description(struct slice message)
{
    struct arena arena;
    struct error error = ERROR_INIT;
    struct library_entry entry;
    bool is_original;
    arena_init(&arena, 0);
    bool is_read = isolated_library_read(message, "/far.so", &arena, &entry, &is_original, &error);
    CLAIM(is_read != error.is_set && (!is_read || entry.filter_count != 0));
    arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    /* as files of the corpus end */
    struct input input = {bytes + 1, size - 1 - (size > 1 && bytes[size - 1] == '\n')};
    struct error error = ERROR_INIT;
    switch (bytes[0] % 4) {
    case 0:
        answer_worker(&input);
        break;
    case 1:
        ask_runner(&input);
        break;
    case 2:
        read_description(slice_of((const char *)input.bytes, input.size));
        break;
    default:
        refusal_read(slice_of((const char *)input.bytes, input.size), &error);
        CLAIM(error.is_set && error.message[0] != '\0' && error.caret <= strlen(error.source_line));
        break;
    }
    return 0;
}
