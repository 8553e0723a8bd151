#include "filter/dictionary.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "filter/runtime_state.h"

#include <assert.h>
#include <stdlib.h>

enum {
    MOST_NAME_BYTES = 64,
};

static_assert(FLEXILIB_DICTIONARY_MOST_KEY_BYTES == DICTIONARY_MOST_KEY_BYTES, "the store keeps what is promised");
static_assert(FLEXILIB_DICTIONARY_MOST_VALUE_BYTES == DICTIONARY_MOST_VALUE_BYTES, "the store keeps what is promised");

struct flexilib_dictionary_name {
    struct flexilib_dictionary_name *next;
    struct dictionary_store *store;
    uint64_t number;
    uint64_t (*now_ms)(void);
};

void dictionary_names_init(struct dictionary_names *names)
{
    *names = (struct dictionary_names){0};
    pthread_mutex_init(&names->mutex, NULL);
}

void dictionary_names_finish(struct dictionary_names *names)
{
    while (names->first != NULL) {
        struct flexilib_dictionary_name *next = names->first->next;
        free(names->first);
        names->first = next;
    }
    dictionary_store_destroy(names->own);
    pthread_mutex_destroy(&names->mutex);
}

static uint64_t system_now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

static struct flexilib_dictionary_name *find_or_add(struct dictionary_names *names, struct slice text,
                                                    uint64_t (*now_ms)(void))
{
    if (names->store == NULL)
        names->store = names->own = dictionary_store_create_private();
    uint64_t number = dictionary_store_name(names->store, text);
    struct flexilib_dictionary_name *name = names->first;
    while (name != NULL && name->number != number)
        name = name->next;
    if (name != NULL)
        return name;
    name = mem_alloc(sizeof(*name));
    *name =
        (struct flexilib_dictionary_name){names->first, names->store, number, now_ms == NULL ? system_now_ms : now_ms};
    names->first = name;
    return name;
}

static const struct flexilib_dictionary_name *open_name(const struct flexilib_core *core, const char *name,
                                                        size_t length)
{
    struct runtime *runtime = use_of_core(core)->runtime;
    struct dictionary_names *names = &runtime->dictionary_names;
    if (length == 0 || length > MOST_NAME_BYTES)
        return NULL;
    pthread_mutex_lock(&names->mutex);
    const struct flexilib_dictionary_name *opened =
        find_or_add(names, slice_of(name, length), runtime->services.now_ms);
    pthread_mutex_unlock(&names->mutex);
    return opened;
}

static struct dictionary_query ask(const struct flexilib_dictionary_name *name, const char *key, size_t key_length)
{
    return (struct dictionary_query){
        .name = name->number,
        .key = slice_of(key, key_length),
        .now_ms = name->now_ms(),
    };
}

static bool get(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, void *buffer,
                size_t capacity, size_t *length)
{
    return dictionary_store_get(name->store, ask(name, key, key_length), buffer, capacity, length);
}

static bool set(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, const void *value,
                size_t length, uint64_t ttl_ms)
{
    return dictionary_store_set(name->store, ask(name, key, key_length), slice_of(value, length), ttl_ms);
}

static bool add(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, const void *value,
                size_t length, uint64_t ttl_ms)
{
    return dictionary_store_add(name->store, ask(name, key, key_length), slice_of(value, length), ttl_ms);
}

static bool replace(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, const void *was,
                    size_t was_length, const void *value, size_t length, uint64_t ttl_ms)
{
    if (was == NULL)
        return was_length == 0 && add(name, key, key_length, value, length, ttl_ms);
    return dictionary_store_replace(name->store, ask(name, key, key_length), slice_of(was, was_length),
                                    slice_of(value, length), ttl_ms);
}

static bool increment(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, int64_t change,
                      uint64_t ttl_ms, int64_t *sum)
{
    return dictionary_store_increment(name->store, ask(name, key, key_length), change, ttl_ms, sum);
}

static bool remove_value(const struct flexilib_dictionary_name *name, const char *key, size_t key_length)
{
    return dictionary_store_remove(name->store, ask(name, key, key_length));
}

const struct flexilib_dictionary dictionary_table = {
    .size = sizeof(struct flexilib_dictionary),
    .open = open_name,
    .get = get,
    .set = set,
    .add = add,
    .replace = replace,
    .increment = increment,
    .remove = remove_value,
};
