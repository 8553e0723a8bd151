#ifndef FLEXILIB_TLS_TLS_WORDS_H
#define FLEXILIB_TLS_TLS_WORDS_H

/* What OpenSSL's errors mean, in plain words for the log. For tls*.c. */

#include <stddef.h>

struct ssl_st;

enum {
    TLS_WORDS_BYTES = 256,
};

/* Says what OpenSSL's queue of errors holds about a connection to "it", and empties the queue. */
void tls_words_of_failure(struct ssl_st *ssl, char *words, size_t capacity);

/* OpenSSL's own short word for the first error in the queue, which is emptied. */
const char *tls_words_of_library(void);

#endif
