#ifndef FLEXILIB_PROCESS_CHANNEL_H
#define FLEXILIB_PROCESS_CHANNEL_H

/* What supervisor and worker say to each other: one-line messages over a SOCK_SEQPACKET pair, `NAME number... text`,
 * some with a descriptor. Both ends check what they read: a worker may have been taken over by what it loaded. */

#include "base/text.h"

enum {
    CHANNEL_VERSION = 1,
    CHANNEL_NUMBERS = 3,
    CHANNEL_TEXT_BYTES = 4096,
    CHANNEL_PACKET_BYTES = CHANNEL_TEXT_BYTES + 128,
    CHANNEL_LISTENERS = 256,           /* the most of the settings */
    CHANNEL_ADMIN = CHANNEL_LISTENERS, /* the index of the admin listener */
};

enum message_kind {
    /* From a worker. */
    MESSAGE_HELLO = 1, /* version */
    MESSAGE_USER,      /* uid, gid, name: what it is about to become, and its siblings should be from the start */
    MESSAGE_OPEN,      /* index, path of a log; answered by OPENED */
    MESSAGE_LOADING,   /* code of libraries runs from here on: no OPEN, USER and SERVERS any more */
    MESSAGE_SERVERS,   /* number of the first, how many, and their names; answered by NUMBERED */
    MESSAGE_WAITING,   /* for how many milliseconds at most filters may still have to get ready */
    MESSAGE_WATCH,     /* kind, content and status of what was seen at a path, as in base/content.h; the path */
    MESSAGE_LISTEN,   /* index, length of the listener's name, listen_options.h, name and address; answered by OPENED */
    MESSAGE_READY,    /* workers wanted (0: as many as CPUs), how long a drain takes at most, and shutdown_timeout, in
                       milliseconds */
    MESSAGE_FAILED,   /* why, in one or several lines */
    MESSAGE_STOPPED,  /* it accepts nothing any more */
    MESSAGE_WATCHING, /* which kinds of files cause a reload: enum watch_mode; 1 where WATCH tells of all that is used,
                       * 0 where it was read before, into the snapshot */
    /* From the supervisor. */
    MESSAGE_OPENED,   /* index, errno value; with a descriptor where that is 0 */
    MESSAGE_NUMBERED, /* number of the first, and what each is called in shared memory: "-" for none */
    MESSAGE_REOPEN,   /* index; with a descriptor */
    MESSAGE_GO,
    MESSAGE_DRAIN, /* how long connections without a request are kept, in milliseconds, -1: as ever, until the settings'
                      own times for a drain are over; 1 where nobody accepts what
                      waits to be accepted, 0 where a newer worker does; may come again, shorter */
    MESSAGE_CUT,
    MESSAGE_QUARANTINE, /* path of a library whose routes are out of service from here on */
    /* From a worker. */
    MESSAGE_SHUTDOWN_DELAY, /* in milliseconds: how long it goes on when the program is told to stop; before READY */
    /* About what can be owned once (worker/exclusive.h). From a worker that starts: */
    MESSAGE_EXCLUSIVE, /* workers wanted, as in READY; names of filters: they can be created once older workers have
                          given up what they own; answered by QUIET */
    /* From the supervisor: */
    MESSAGE_QUIET,   /* they have */
    MESSAGE_QUIESCE, /* for which generation, milliseconds to answer in, names of filters; answered by QUIESCED */
    MESSAGE_WAKE,    /* that generation has failed */
    /* From an older worker: */
    MESSAGE_MAX_GENERATIONS, /* that may have requests left before a reload waits; before READY */
    MESSAGE_LEAVING,  /* it has drained; so many milliseconds it may need for what filters have on other threads */
    MESSAGE_QUIESCED, /* for which generation; why not, or nothing */
    /* From a worker. */
    MESSAGE_STUCK_TIMEOUT, /* in milliseconds, 0: none; before READY */
    MESSAGE_BLOCKED, /* its loop, for how many milliseconds so far, stall.h's flags, and where: hook, filter, request
                        and its line, tabs between */
    MESSAGE_MOVED,   /* it did again after so many, and 0 */
    /* About runners. From a worker: */
    MESSAGE_RUNNER, /* its number in the settings, which process of how many, and the library's name: a connection is
                       wanted; answered by JOINED. From the first worker, before LOADING, it starts them */
    /* From the supervisor: */
    MESSAGE_JOINED, /* as in RUNNER, and an errno value; with a descriptor where that is 0 */
    MESSAGE_PEER,   /* to a runner: the slot of a worker; with a descriptor that leads there */

    /* From a worker: */
    MESSAGE_TROUBLE, /* what FAILED says next is wrong with the system, and not with the configuration */
};

struct message {
    enum message_kind kind;
    int64_t numbers[CHANNEL_NUMBERS];
    struct slice text; /* after channel_receive: stands in packet */
    int fd;            /* -1 where there is none */
    char packet[CHANNEL_PACKET_BYTES];
};

/* Makes a pair of connected descriptors, close-on-exec. Returns false with errno set. */
bool channel_open(int ends[2]) __attribute__((warn_unused_result));

/* Writes the message's packet into out. Returns its length, 0 where the text is too long. */
size_t message_encode(const struct message *message, char out[CHANNEL_PACKET_BYTES]);

/* Reads what stands in message->packet (length bytes) into the other members but fd. Returns false where it is no
 * message. */
bool message_parse(struct message *message, size_t length) __attribute__((warn_unused_result));

/* The name that stands on the wire. */
const char *message_name(enum message_kind kind);

/* What SERVERS says of one server is `LENGTH LENGTH upstreamURL`; they follow each other without anything between. */
enum {
    CHANNEL_SERVERS = 512, /* most in one message */
};

/* Adds a server. Returns false, and leaves the text as it was, where it would become too long for a message. */
bool channel_add_server(struct text *text, struct slice upstream, struct slice url);

/* Takes the next server off the text. Returns false where it is none. */
bool channel_take_server(struct slice *rest, struct slice *upstream, struct slice *url)
    __attribute__((warn_unused_result));

/* Sends a message; fd stays the caller's. Never blocks where the descriptor is non-blocking. Returns false with errno
 * set. */
bool channel_send(int channel, const struct message *message) __attribute__((warn_unused_result));

enum channel_result {
    CHANNEL_MESSAGE = 1,
    CHANNEL_EMPTY, /* none there now */
    CHANNEL_ENDED, /* the other side has closed it, or died */
    CHANNEL_BROKEN /* that was no message */,
};

/* Receives one message, waiting for it where is_patient. Descriptors are taken only where takes_descriptors, and then
 * belong to the caller; others never enter this process. */
enum channel_result channel_receive(int channel, struct message *message, bool is_patient, bool takes_descriptors);

#endif
