#ifndef FLEXILIB_PROXY_ADMIN_SITE_H
#define FLEXILIB_PROXY_ADMIN_SITE_H

/* The admin listener of a worker: a front of its own, so that its connections keep nobody waiting. They are not counted
 * among clients', and no limit of theirs holds here; but there are never many. A drain waits for those alone that
 * another generation cannot have any more: they have come, and had no answer. */

#include "proxy/admin_answers.h"

struct admin_site;

/* Takes over fd: bound, listening, non-blocking. Everything given must outlive it; sources are copied, access_log may
 * be NULL. on_count is called after each change of how many connections there are. Nothing is accepted before
 * admin_site_accept. */
struct admin_site *admin_site_create(struct loop *loop, const struct settings *settings, struct runtime *runtime,
                                     struct access_log *access_log, const struct admin_sources *sources, int fd,
                                     void (*on_count)(void *data), void *data);

/* Cuts its connections. NULL is fine, here and below. */
void admin_site_destroy(struct admin_site *site);

void admin_site_accept(struct admin_site *site);

/* The program stops: is not ready any more, but goes on, unless another program has the listener too. */
void admin_site_leave(struct admin_site *site);

/* Accepts no more: another generation does. */
void admin_site_stop(struct admin_site *site);

/* Whether, after that, somebody still waits for an answer. */
bool admin_site_is_awaited(const struct admin_site *site);

/* Does not wait any longer for whoever says nothing. */
void admin_site_close_idle(struct admin_site *site);

/* Nor for anybody. */
void admin_site_cut(struct admin_site *site);

#endif
