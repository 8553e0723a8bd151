#ifndef FLEXILIB_NET_TUNNEL_H
#define FLEXILIB_NET_TUNNEL_H

/* Carries bytes both ways between two ends that have agreed on a protocol of their own, as after "101 Switching
 * Protocols". Knows no HTTP and no socket: whoever has a connection lends it as an end.
 *
 * Each direction has one buffer at most, which is there only while bytes are on their way, so an idle tunnel costs no
 * memory but its own; nothing is read from an end while the other has not taken what came before. When one end stops to
 * send, the other is told so and the opposite direction goes on. The tunnel is over when both directions have ended,
 * when one breaks, when nothing has passed for a time, or soon after it was told to leave. */

#include "base/slice.h"
#include "net/loop.h"
#include "net/receive_buffer.h"

#include <sys/types.h>

struct tunnel;
struct tunnel_side;

/* What the tunnel asks of an end; see socket.h, whose promises they keep. */
struct tunnel_end_calls {
    void (*read)(void *end, bool is_wanted);
    ssize_t (*receive)(void *end, char *buffer, size_t capacity);
    void (*write)(void *end, struct slice data);
    void (*finish_writing)(void *end);
    /* How many bytes the peer has taken so far, where that is known. */
    uint64_t (*taken_bytes)(void *end);
    /* What was sent to this end cannot be completed: the close that follows is to be told from an orderly one. */
    void (*reset)(void *end);
};

struct tunnel_end {
    const struct tunnel_end_calls *calls;
    void *end;
    bool is_writing;           /* something of its owner's is being written, whose end tunnel_on_written tells */
    bool has_received;         /* the next receive gives bytes for sure */
    size_t most_received;      /* at a time; 0: any number */
    const size_t *most_passed; /* to this end at a time, as it is then; NULL: any number */
};

enum {
    TUNNEL_FAREWELL_BYTES = 64, /* at most, to each end */
};

/* What the tunnels of a worker share; zero bytes but for the loop. */
struct tunnels {
    struct loop *loop;
    struct receive_buffers buffers;
    size_t count;
    struct tunnel *first;
};

void tunnels_finish(struct tunnels *tunnels);

enum tunnel_outcome {
    TUNNEL_ENDED = 1, /* both ends have sent all they had */
    TUNNEL_BROKEN,    /* a connection is */
    TUNNEL_IDLE,
};

/* Calls on_over once when it is over, never from within tunnel_start: the last thing that it does. */
struct tunnel *tunnel_create(struct tunnels *tunnels, void (*on_over)(void *data, enum tunnel_outcome outcome),
                             void *data);

/* Where the events of the client's and the server's end go to. */
struct tunnel_side *tunnel_client_side(struct tunnel *tunnel);
struct tunnel_side *tunnel_server_side(struct tunnel *tunnel);

/* Begins, with an idle limit (0: none). */
void tunnel_start(struct tunnel *tunnel, const struct tunnel_end *client, const struct tunnel_end *server,
                  int64_t idle_timeout_ms);

/* What the ends tell, as struct socket_events has it. Each may be the end of the tunnel. */
void tunnel_on_readable(struct tunnel_side *side);
void tunnel_on_written(struct tunnel_side *side, bool is_ok);

/* Whoever knows the protocol inside: sees all bytes on their way to an end before they are sent there, and says what
 * the end is told last, if the tunnel has to leave (empty: nothing). */
struct tunnel_insight {
    void (*on_bytes)(void *data, const struct tunnel_side *to, struct slice bytes);
    struct slice (*get_farewell)(void *data, const struct tunnel_side *to, char room[TUNNEL_FAREWELL_BYTES]);
    void *data;
};

/* Before tunnel_start; insight must outlive the tunnel. */
void tunnel_use_insight(struct tunnel *tunnel, const struct tunnel_insight *insight);

/* Reads no more from the ends of all tunnels; each end is told its farewell and that nothing more is sent, after what
 * is on its way to it. Those whose ends do not take that are over within two seconds. */
void tunnels_leave(struct tunnels *tunnels);

/* How many bytes an end has taken. */
uint64_t tunnel_bytes_to_client(const struct tunnel *tunnel);
uint64_t tunnel_bytes_to_server(const struct tunnel *tunnel);

/* Frees the tunnel, over or not; an end that does not get what was meant for it is reset. Nothing is called on the ends
 * any more. NULL is fine. */
void tunnel_destroy(struct tunnel *tunnel);

#endif
