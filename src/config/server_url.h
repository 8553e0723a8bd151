#ifndef FLEXILIB_CONFIG_SERVER_URL_H
#define FLEXILIB_CONFIG_SERVER_URL_H

/* The URLs of servers: http://HOST[:PORT][/], https:// likewise, and http+unix:/PATH. */

#include "config/settings.h"

/* Whether text is meant as a URL rather than as an upstream's name. */
bool server_url_is_meant(struct slice text);

/* Whether text can be the name of a host, or an IPv4 address. */
bool server_url_is_host(struct slice text);

/* Reads the scalar into server, weight 1. Returns false and fills error. */
bool server_url_read(const struct node *node, struct arena *arena, struct server_settings *server, struct error *error);

#endif
