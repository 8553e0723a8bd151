#include "filter/numbers.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
    PLACE_BITS = 24,
};

static const uint64_t place_mask = (UINT64_C(1) << PLACE_BITS) - 1;

void numbers_finish(struct numbers *numbers)
{
    free(numbers->places);
    *numbers = (struct numbers){0};
}

static size_t take_place(struct numbers *numbers)
{
    size_t place = numbers->count;
    if (numbers->free_place != 0) {
        place = numbers->free_place - 1;
        numbers->free_place = numbers->places[place].next_free;
        return place;
    }
    if (place > place_mask)
        abort();
    numbers->places = mem_grow(numbers->places, place, &numbers->capacity, sizeof(numbers->places[0]));
    numbers->places[place] = (struct number_place){0};
    ++numbers->count;
    return place;
}

uint64_t numbers_give(struct numbers *numbers, void *object)
{
    size_t place = take_place(numbers);
    numbers->places[place].object = object;
    return ++numbers->places[place].uses << PLACE_BITS | place;
}

void *numbers_find(const struct numbers *numbers, uint64_t number)
{
    uint64_t place = number & place_mask;
    if (place >= numbers->count || numbers->places[place].uses != number >> PLACE_BITS)
        return NULL;
    return numbers->places[place].object;
}

void numbers_take(struct numbers *numbers, uint64_t number)
{
    size_t place = (size_t)(number & place_mask);
    numbers->places[place].object = NULL;
    numbers->places[place].next_free = numbers->free_place;
    numbers->free_place = place + 1;
}
