#ifndef FLEXILIB_PROXY_PROXY_H
#define FLEXILIB_PROXY_PROXY_H

/* The serving part of a worker: listeners in front, the plan in the middle, upstreams behind. Everything on the loop
 * thread. Uses the loop's turn to flush the access log. */

#include "net/loop.h"
#include "plan/plan.h"

struct admin_sources;
struct client_counts;
struct core_metrics;
struct proxy;
struct server_states;
struct slot;
struct ticket_keys;

/* settings must outlive it. access_log_fd is taken over, -1 for none. slot may be NULL; what it tells of connections
 * and of the loop is kept. Filters of the runtime that are created from now on may ask upstreams for something. */
struct proxy *proxy_create(struct loop *loop, const struct settings *settings, struct runtime *runtime,
                           int access_log_fd, struct slot *slot);

/* Has what happens counted for the metrics that all workers share; core outlives the proxy. Before proxy_accept. */
void proxy_use_metrics(struct proxy *proxy, struct core_metrics *core);

/* What is to be done with requests; must outlive the proxy. Before proxy_accept. */
void proxy_use_plan(struct proxy *proxy, const struct plan *plan);

/* Frees it, before plan and runtime: after on_drained, or where proxy_accept was never called. NULL is fine. */
void proxy_destroy(struct proxy *proxy);

/* Has TLS sessions protected by keys that other workers know too; they must outlive the proxy. Before proxy_prepare. */
void proxy_share_tickets(struct proxy *proxy, const struct ticket_keys *tickets);

/* Has clients' connections counted where other workers see it; counts must outlive the proxy. Before proxy_accept. */
void proxy_share_clients(struct proxy *proxy, struct client_counts *counts, uint32_t row);

/* Reads the certificates and keys that listeners and upstreams use, before it accepts. Returns false and fills error.
 */
bool proxy_prepare(struct proxy *proxy, struct error *error);

/* Warns of what works, but not as it should, after proxy_prepare. */
void proxy_warn(const struct proxy *proxy);

/* Has what is known of servers stand in shared memory, which must outlive the proxy: row is this worker's in the
 * counts, numbers stand in the order of the settings' upstreams and of the servers in each. Before proxy_accept. */
void proxy_share_servers(struct proxy *proxy, struct server_states *states, uint32_t row, const uint32_t *numbers);

/* Gives listener number index its socket, which is taken over: bound, listening, non-blocking. */
void proxy_add_listener(struct proxy *proxy, size_t index, int fd);

/* Gives the admin listener its socket, likewise. Before proxy_accept. */
void proxy_add_admin(struct proxy *proxy, const struct admin_sources *sources, int fd);

/* Leaves the admin listener to another generation; or, where none follows, keeps it as long as there is a proxy, and
 * has it say that the program is stopping. */
void proxy_stop_admin(struct proxy *proxy, bool is_last);

/* Leaves new connections to workers of the same generation that have fewer: slots are those of all workers, the one
 * given at creation among them. Before proxy_accept. */
void proxy_share_accepting(struct proxy *proxy, const struct slot *slots, size_t count);

/* Starts to accept on every listener. */
void proxy_accept(struct proxy *proxy);

/* Accepts what waits on every listener, before nobody does any more. */
void proxy_accept_waiting(struct proxy *proxy);

/* Stops accepting and drains: answers carry `Connection: close`, connections end when their exchange or their
 * keep-alive time does; on_drained is called once, when none is left, possibly from within. It must not destroy the
 * proxy: that is for later, when the loop has stopped. */
void proxy_drain(struct proxy *proxy, void (*on_drained)(void *data), void *data);

/* While draining: does not wait for the keep-alive time of connections that have no request. */
void proxy_close_idle(struct proxy *proxy);

/* While draining: cuts requests that began before that time, and what filters have asked of upstreams where no client
 * is left. Returns how many. */
size_t proxy_cut_requests(struct proxy *proxy, uint64_t began_before_us);

/* Whether no client is connected any more, whatever filters still do for those that were. */
bool proxy_has_lost_all(const struct proxy *proxy);

/* Has all tunnels end in good order, which takes them a moment. Returns how many there are. */
size_t proxy_leave_tunnels(struct proxy *proxy);

/* Cuts whatever is left, and stops accepting. Exchanges end; on_drained is called where proxy_drain was. */
void proxy_cut(struct proxy *proxy);

/* Continues the access log in another file. Takes over fd. */
void proxy_reopen_access_log(struct proxy *proxy, int fd);

#endif
