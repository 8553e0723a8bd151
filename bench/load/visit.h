/* A connection to a server under measurement, by a client that waits for each step: opened, asked over HTTP/1 or
 * HTTP/2, in the clear or over TLS, and closed. It believes that answers are short and come as servers here send them.
 */

#ifndef FLEXILIB_BENCH_VISIT_H
#define FLEXILIB_BENCH_VISIT_H

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stdint.h>

struct visit_target {
    uint16_t port; /* on 127.0.0.1 */
    const char *path;
    bool is_http2;
    bool closes;  /* HTTP/1 only: the request asks the server to close */
    SSL_CTX *tls; /* NULL: in the clear */
};

struct visit {
    const struct visit_target *target;
    int fd;
    SSL *tls;
    uint32_t last_stream;
    SSL_SESSION *session; /* the last one that the server offered to resume; the visitor's */
};

/* One protocol version (TLS1_2_VERSION, TLS1_3_VERSION; 0: whatever both can), one cipher and one group for all
 * servers, and no look at whom the certificate is for. Ends the program where OpenSSL cannot. */
SSL_CTX *visit_tls_create(int version, bool is_http2);

/* Connects, with a TLS session that is to be resumed, or NULL. */
bool visit_open(struct visit *visit, const struct visit_target *target, SSL_SESSION *session);
/* Sends a request and reads its answer to the end. Returns whether that was 200. */
bool visit_ask(struct visit *visit);
/* Leaves no trace: where the server has not closed, the connection is reset. */
void visit_close(struct visit *visit);

#endif
