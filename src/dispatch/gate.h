#ifndef FLEXILIB_DISPATCH_GATE_H
#define FLEXILIB_DISPATCH_GATE_H

/* What is answered before any route is looked for: questions of ACME authorities, and requests by http where the
 * settings want https. Responses by https pass it too, to tell browsers so (HSTS, RFC 6797). Its answers are routes
 * without filters, so that all else is done as for any other. */

#include "plan/plan.h"

struct gate;

/* settings must outlive it. */
struct gate *gate_create(const struct settings *settings);
void gate_destroy(struct gate *gate);

/* Says which port a listener with TLS really has. Clients are sent to 443 if one of them has it, else to the first. */
void gate_note_https(struct gate *gate, uint16_t port);

/* The route that answers this request in place of the plan's; NULL where the plan is to be asked. is_told_scheme says
 * that a trusted proxy has told the request's scheme. The result lives as long as the gate. */
const struct plan_route *gate_find(const struct gate *gate, const struct exchange *exchange,
                                   const struct listener_settings *listener, bool is_told_scheme);

/* Adds what browsers have to know to a response that is about to be sent, unless that says it itself. */
void gate_mark(const struct gate *gate, struct exchange *exchange);

#endif
