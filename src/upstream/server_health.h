#ifndef FLEXILIB_UPSTREAM_SERVER_HEALTH_H
#define FLEXILIB_UPSTREAM_SERVER_HEALTH_H

/* Whether a server may get requests, and how large its share is: what the choice among servers asks for each of them,
 * and what requests and checks do to that. All workers write to a server's state at any time; an event is logged by the
 * one whose compare-and-swap made it. now_ms is loop_now_ms. */

#include "upstream/server.h"

enum {
    SERVER_WEIGHT_UNIT = 100, /* what server_weight says for a weight of 1 at its full share */
};

/* Whether it works as far as is known. A server that is healthy but drained serves those that are bound to it by their
 * cookie. One that was put out because of failures counts as healthy all the same while no other server stands. */
bool server_is_healthy(const struct server *server, uint64_t now_ms);

/* Whether anybody may be sent to it: healthy, and not drained. */
bool server_is_usable(const struct server *server, uint64_t now_ms);

/* Its weight at present in units of SERVER_WEIGHT_UNIT, at least 1: less than the whole while it starts slowly. */
uint32_t server_weight(const struct server *server, uint64_t now_ms);

/* Notes how a request fared: failures in a row put the server out for a while (struct eject_settings), but never more
 * than half of those of its upstream that are neither drained nor unhealthy. */
void server_note_outcome(struct server *server, enum server_outcome outcome, int status, uint64_t now_ms);

/* Notes an answer by its status; returns how many failures there are should the rest of it not come: 0 where it was one
 * already. */
uint32_t server_note_answer(struct server *server, int status, uint64_t now_ms);

/* Notes so many failures in a row; 0 is fine. */
void server_note_failures(struct server *server, uint32_t count, uint64_t now_ms);

/* Notes the outcome of a check (struct health_settings); reason says in plain words why it was bad. */
void server_note_check(struct server *server, bool is_good, const char *reason, uint64_t now_ms);

/* Brings the state in line with the settings of a generation that begins to serve. */
void server_adopt_state(struct server *server);

enum {
    SERVER_ABSENCE_BYTES = 64, /* room for what server_group_explain writes */
};

/* Writes why servers get no requests, for the log: ": 2 unhealthy, 1 drained". Empty where none is either. */
void server_group_explain(const struct server_group *group, char text[SERVER_ABSENCE_BYTES]);

bool status_ranges_contain(const struct status_ranges *ranges, int status);

#endif
