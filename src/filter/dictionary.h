#ifndef FLEXILIB_FILTER_DICTIONARY_H
#define FLEXILIB_FILTER_DICTIONARY_H

/* The extension dictionary: what it does is told in flexilib/ext/dictionary.h, how in base/dictionary_store.h. Here are
 * the names that a worker's filters have opened. */

#include "base/dictionary_store.h"
#include "flexilib/ext/dictionary.h"

#include <pthread.h>

/* Of a runtime. */
struct dictionary_names {
    struct dictionary_store *store, *own; /* own is made where nobody has given one, as in a check */
    struct flexilib_dictionary_name *first;
    pthread_mutex_t mutex;
};

extern const struct flexilib_dictionary dictionary_table;

void dictionary_names_init(struct dictionary_names *names);
void dictionary_names_finish(struct dictionary_names *names);

#endif
