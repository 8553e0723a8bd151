#ifndef FLEXILIB_TLS_TLS_WIRE_H
#define FLEXILIB_TLS_TLS_WIRE_H

/* The inside of a connection's TLS, and its lower end: how OpenSSL reads from the wire, within bounds, and writes to
 * it, and what is counted of what the other side has it do. For tls.c. */

#include "base/text.h"
#include "tls/tls.h"
#include "tls/tls_words.h"

#include <sys/uio.h>

enum {
    TLS_PIECES = 16,
};

enum tls_end {
    TLS_OPEN = 0,
    TLS_CLOSED, /* by close_notify */
    TLS_BROKEN,
};

struct tls {
    struct socket *socket;
    struct loop *loop;
    struct ssl_st *ssl;
    void (*on_secured)(void *data, const char *failure); /* NULL once it was called */
    void *data;
    struct timer timer;       /* something is to be told or sent, though the wire may stay silent */
    struct text out, sending; /* records that wait, and those in the wire's hands */
    struct iovec pieces[TLS_PIECES];
    size_t piece, piece_count; /* of the owner's write, from the one to be encrypted next */
    bool is_owner_writing, is_write_broken, is_finishing;
    bool is_read_wanted;
    bool is_wire_dry, has_wire_ended;
    bool has_received, is_peer_plain;
    unsigned receives;
    uint64_t data_bytes, key_updates; /* of the owner, either way; and new keys that came meanwhile */
    unsigned renegotiations;          /* that were refused */
    bool is_flooding;
    enum tls_end end;
    int error; /* where it is broken, as errno */
    char failure[TLS_WORDS_BYTES];
};

/* Counts the new keys that the other side wants, from now on: where it wants many for little data, or renegotiation
 * again and again, reading fails. */
void tls_wire_watch(struct tls *tls);

#endif
