#ifndef JWT_KEY_SOURCE_H
#define JWT_KEY_SOURCE_H

/* Where the keys come from: what the configuration holds, and stays as it is; or a key server (JWKS), which is asked at
 * the start, then again and again, and when a token names a key that is not known yet. What one worker has fetched the
 * others take from the dictionary, also those that start while the server cannot be reached. Keys stay good meanwhile.
 */

#include "key_set.h"

struct key_source;

struct key_source_options {
    const struct flexilib_value *file;   /* a JWK set or PEM */
    const struct flexilib_value *secret; /* shared */
    const struct flexilib_value *server; /* a table of key_server_options */
};

enum {
    KEY_SERVER_OPTION_COUNT = 5,
};

/* The fields of the table `jwks`. */
extern const struct flexilib_option key_server_options[KEY_SERVER_OPTION_COUNT];

/* Reads what is given, of which there is exactly one; for a server, has the worker wait until there are keys. Returns
 * NULL after core->refuse_value. */
struct key_source *key_source_create(const struct flexilib_core *core, const struct key_source_options *options);

/* NULL is fine. */
void key_source_destroy(struct key_source *source);

/* The keys at present; valid until the next event. Never NULL once the filter is ready. */
const struct key_set *key_source_keys(const struct key_source *source);

/* A key is missing that a token names. Returns true where the server is being asked: then the pause of that ticket is
 * ended when it has answered, or could not. False where there is nothing newer to be had now. */
bool key_source_look_again(struct key_source *source, uint64_t ticket);

/* That pause is over: forgets the ticket. */
void key_source_forget(struct key_source *source, uint64_t ticket);

#endif
