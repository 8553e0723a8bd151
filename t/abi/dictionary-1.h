#ifndef FLEXILIB_EXT_DICTIONARY_H
#define FLEXILIB_EXT_DICTIONARY_H

/* Values that all workers and generations share, and that outlive them: core->extension(core, FLEXILIB_DICTIONARY), in
 * create. They are gone when FlexiLib stops. Works for isolated filters and for those marked FLEXILIB_BLOCKING. All
 * calls: [any thread].
 *
 * The room is bounded: where it is used up, what was not asked for or set for the longest time is forgotten; and where
 * a worker dies in the midst of a change, some of what stood beside it. So a dictionary is for what can be done
 * without: counts, cached answers. Each call is atomic by itself. Names separate dictionaries; filters that open the
 * same name share it. */

#include <flexilib/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLEXILIB_DICTIONARY "flexilib.dictionary/1"

#define FLEXILIB_DICTIONARY_MOST_KEY_BYTES   1024
#define FLEXILIB_DICTIONARY_MOST_VALUE_BYTES 65536

struct flexilib_dictionary_name; /* an opened name */

struct flexilib_dictionary {
    size_t size;

    /* Opens the dictionary of that name, which lives as long as the filter. NULL for a name that is empty or longer
     * than 64 bytes. */
    const struct flexilib_dictionary_name *(*open)(const struct flexilib_core *core, const char *name, size_t length);

    /* Copies the value into buffer, as far as capacity allows, and says in length how long it is. False where there is
     * none. */
    bool (*get)(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, void *buffer,
                size_t capacity, size_t *length);

    /* Sets a value, for ttl_ms milliseconds, or with 0 until it is forgotten. False where key or value is too long, or
     * no room can be made. */
    bool (*set)(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, const void *value,
                size_t length, uint64_t ttl_ms);

    /* The same where there is no value yet; false also where there is one. */
    bool (*add)(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, const void *value,
                size_t length, uint64_t ttl_ms);

    /* The same where the value is still `was`, byte for byte; with was_length 0 and was NULL, as add. False where it is
     * another: then get it anew and try again. */
    bool (*replace)(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, const void *was,
                    size_t was_length, const void *value, size_t length, uint64_t ttl_ms);

    /* Adds to a number (eight bytes, as int64_t) and gives the sum. One that is not there counts as 0 and gets ttl_ms;
     * one that is keeps its time. False where the value is no number, the sum would not fit in one, or no room can be
     * made. */
    bool (*increment)(const struct flexilib_dictionary_name *name, const char *key, size_t key_length, int64_t change,
                      uint64_t ttl_ms, int64_t *sum);

    /* Deletes a value; false where there was none. */
    bool (*remove)(const struct flexilib_dictionary_name *name, const char *key, size_t key_length);
};

#ifdef __cplusplus
}
#endif

#endif
