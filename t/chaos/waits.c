#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    PARCEL_MARK = 0x70617263,
};

struct parcel {
    unsigned mark;
    uint64_t ticket;
};

void *parcel_create(uint64_t ticket)
{
    struct parcel *parcel = malloc(sizeof(*parcel));
    *parcel = (struct parcel){PARCEL_MARK, ticket};
    return parcel;
}

bool parcel_is_for(const void *data, uint64_t ticket)
{
    return ((const struct parcel *)data)->ticket == ticket;
}

/* Also as what a dropped result goes to. */
void parcel_free(void *data)
{
    struct parcel *parcel = data;
    if (parcel == NULL)
        return;
    if (parcel->mark != PARCEL_MARK)
        fputs("alert: chaos is given something that it has not sent, or has had back\n", stderr);
    parcel->mark = 0;
    free(parcel);
}

void memory_keep(struct memory *memory, uint64_t number)
{
    unsigned place = atomic_fetch_add(&memory->next, 1) % OLD_NUMBERS;
    atomic_store(&memory->numbers[place], number);
}

uint64_t memory_recall(struct memory *memory, struct dice *dice)
{
    return atomic_load(&memory->numbers[roll(dice, OLD_NUMBERS)]);
}

static void send_parcel(const struct chaos *chaos, uint64_t ticket)
{
    chaos->core->resume(chaos->core, ticket, parcel_create(ticket), parcel_free);
}

void resume_old(struct moment *moment)
{
    uint64_t ticket = memory_recall(&moment->chaos->tickets, moment->dice);
    if (roll(moment->dice, 2))
        ticket += UINT64_C(1) << roll(moment->dice, 64);
    if (roll(moment->dice, 4) == 0)
        moment->core->resume(moment->core, ticket, NULL, NULL);
    else
        send_parcel(moment->chaos, ticket);
}

static bool take_errand(struct messengers *messengers, struct errand *errand)
{
    pthread_mutex_lock(&messengers->mutex);
    while (messengers->count == 0 && !messengers->is_ending)
        pthread_cond_wait(&messengers->has_errand, &messengers->mutex);
    bool is_found = messengers->count != 0;
    if (is_found) {
        *errand = messengers->errands[messengers->first];
        messengers->first = (messengers->first + 1) % MOST_ERRANDS;
        --messengers->count;
    }
    pthread_mutex_unlock(&messengers->mutex);
    return is_found;
}

static void *run_messenger(void *argument)
{
    struct chaos *chaos = argument;
    struct errand errand;
    while (take_errand(&chaos->messengers, &errand)) {
        if (errand.delay_us != 0)
            usleep(errand.delay_us);
        send_parcel(chaos, errand.ticket);
        if (errand.is_twice)
            send_parcel(chaos, errand.ticket);
    }
    return NULL;
}

void messengers_start(struct chaos *chaos)
{
    struct messengers *messengers = &chaos->messengers;
    pthread_mutex_init(&messengers->mutex, NULL);
    pthread_cond_init(&messengers->has_errand, NULL);
    for (int i = 0; i < 2; ++i) {
        if (pthread_create(&messengers->threads[i], NULL, run_messenger, chaos) != 0)
            abort();
    }
}

void messengers_end(struct chaos *chaos)
{
    struct messengers *messengers = &chaos->messengers;
    pthread_mutex_lock(&messengers->mutex);
    messengers->is_ending = true;
    pthread_cond_broadcast(&messengers->has_errand);
    pthread_mutex_unlock(&messengers->mutex);
    for (int i = 0; i < 2; ++i)
        pthread_join(messengers->threads[i], NULL);
    pthread_cond_destroy(&messengers->has_errand);
    pthread_mutex_destroy(&messengers->mutex);
}

/* Where there are too many already, nobody ends the pause. */
static void send_messenger(struct moment *moment, uint64_t ticket)
{
    struct messengers *messengers = &moment->chaos->messengers;
    struct errand errand = {.ticket = ticket,
                            .delay_us = roll(moment->dice, 2) * roll(moment->dice, 800),
                            .is_twice = roll(moment->dice, 6) == 0};
    pthread_mutex_lock(&messengers->mutex);
    if (messengers->count < MOST_ERRANDS) {
        messengers->errands[(messengers->first + messengers->count++) % MOST_ERRANDS] = errand;
        pthread_cond_signal(&messengers->has_errand);
    }
    pthread_mutex_unlock(&messengers->mutex);
}

static void work(void *data)
{
    usleep(((uintptr_t)data >> 4) % 500);
}

static void finish_work(void *filter, void *data)
{
    parcel_free(data);
}

void run_job(struct moment *moment)
{
    struct chaos *chaos = moment->chaos;
    if (chaos->offload == NULL)
        return;
    uint64_t ticket = memory_recall(&chaos->tickets, moment->dice);
    void *parcel = parcel_create(ticket);
    bool is_begun = roll(moment->dice, 2)
                        ? chaos->offload->run_for_filter(chaos->core, work, finish_work, parcel, parcel_free)
                        : chaos->offload->run(chaos->core, ticket, work, parcel, parcel_free);
    if (!is_begun)
        parcel_free(parcel);
}

static void send_job(struct moment *moment, uint64_t ticket)
{
    const struct flexilib_offload *offload = moment->chaos->offload;
    void *parcel = parcel_create(ticket);
    if (offload != NULL && offload->run(moment->core, ticket, work, parcel, parcel_free))
        return;
    parcel_free(parcel);
    send_messenger(moment, ticket);
}

static void send_timer(struct moment *moment, uint64_t ticket)
{
    const struct flexilib_timer *timer = moment->chaos->timer;
    if (timer == NULL)
        send_messenger(moment, ticket);
    else
        timer->resume_after(moment->core, ticket, roll(moment->dice, 8));
}

static void on_time(void *filter, void *data)
{
    struct clock *clock = data;
    if (--clock->left != 0)
        return;
    clock->chaos->timer->stop(clock->chaos->core, clock->timer);
    clock->timer = 0;
}

void start_clock(struct moment *moment)
{
    struct chaos *chaos = moment->chaos;
    struct clock *clock = &chaos->clocks[roll(moment->dice, MOST_CLOCKS)];
    if (chaos->timer == NULL)
        return;
    if (clock->timer != 0) {
        chaos->timer->stop(chaos->core, clock->timer);
        clock->timer = 0;
        return;
    }
    clock->chaos = chaos;
    clock->left = 1 + roll(moment->dice, 4);
    uint64_t repeat_ms = clock->left == 1 ? 0 : 1 + roll(moment->dice, 5);
    clock->timer = chaos->timer->start(chaos->core, roll(moment->dice, 10), repeat_ms, on_time, clock);
}

uint64_t take_ticket(struct moment *moment)
{
    struct course *course = moment->course;
    uint64_t ticket = moment->core->ticket(moment->exchange);
    memory_keep(&moment->chaos->tickets, ticket);
    course->tickets[++course->taken % OLD_TICKETS] = ticket;
    return ticket;
}

flexilib_answer pause_somehow(struct moment *moment)
{
    uint64_t ticket = take_ticket(moment);
    if (roll(moment->dice, 4) == 0) {
        set_any_reply(moment);
        moment->course->has_reply = true;
    }
    switch (roll(moment->dice, 12)) {
    case 0:
        send_parcel(moment->chaos, ticket);
        break;
    case 1:
        send_parcel(moment->chaos, ticket);
        send_messenger(moment, ticket);
        break;
    case 2:
    case 3:
        send_timer(moment, ticket);
        break;
    case 4:
        send_timer(moment, ticket);
        send_job(moment, ticket);
        break;
    case 5:
    case 6:
        send_job(moment, ticket);
        break;
    case 7:
    case 8:
        if (!ask(moment, ticket))
            send_timer(moment, ticket);
        break;
    case 9:
        if (roll(moment->dice, 4) == 0)
            break; /* nobody ends it, but the deadline */
        /* fall through */
    default:
        send_messenger(moment, ticket);
        break;
    }
    return FLEXILIB_PAUSE;
}
