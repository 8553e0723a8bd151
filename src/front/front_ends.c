#include "front/front_ends.h"

void front_ends_note_peer(struct exchange *exchange, const struct socket_end *peer)
{
    exchange->peer_address = slice_from_text(peer->address);
    exchange->peer_port = peer->port;
}

static const struct socket_end *read_end(struct exchange *exchange, const struct socket *socket)
{
    struct socket_end *end = arena_alloc(&exchange->arena, sizeof(*end));
    socket_address_print_local(socket_descriptor(socket), end->address, &end->port);
    return end;
}

void front_ends_note_local(struct exchange *exchange, const struct socket_end *told, const struct socket *socket)
{
    const struct socket_end *end = told != NULL ? told : read_end(exchange, socket);
    exchange->local_address = slice_from_text(end->address);
    exchange->local_port = end->port;
}
