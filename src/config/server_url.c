#include "config/server_url.h"

#include "config/address.h"
#include "config/wording.h"

#include <sys/un.h>

enum {
    HTTP_PORT = 80,
    HTTPS_PORT = 443,
};

static bool refuse(const struct node *node, struct arena *arena, struct error *error, const char *sentence)
{
    return error_set_at(error, node->place, "'%s' %s", wording_quote(arena, node->text), sentence);
}

bool server_url_is_meant(struct slice text)
{
    return slice_find(text, ':') != text.length || slice_find(text, '/') != text.length;
}

static bool read_unix(const struct node *node, struct arena *arena, struct server_settings *server, struct error *error)
{
    struct slice path = slice_skip(node->text, strlen("http+unix:"));
    if (path.length == 0)
        return refuse(node, arena, error, "lacks the path of its socket: write http+unix:/PATH");
    server->is_unix = true;
    server->host = slice_from_text(node_path(node, path, arena));
    if (server->host.length >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return refuse(node, arena, error, "is too long for a socket: its absolute path may have 107 bytes");
    return true;
}

bool server_url_is_host(struct slice host)
{
    for (size_t i = 0; i < host.length; ++i) {
        char lower = ascii_lower(host.data[i]);
        bool is_fine = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') || lower == '-' ||
                       lower == '.' || lower == '_';
        if (!is_fine)
            return false;
    }
    return host.length != 0 && host.length <= 253 && host.data[0] != '.' && host.data[0] != '-';
}

static bool read_authority(const struct node *node, struct slice authority, struct arena *arena,
                           struct server_settings *server, struct error *error)
{
    struct address address;
    if (slice_find(authority, '@') != authority.length)
        return refuse(node, arena, error, "holds a user name, which is not possible");
    const char *problem = authority.length == 0 ? "lacks a host" : address_split(authority, &address);
    if (problem != NULL)
        return refuse(node, arena, error, problem);
    server->host = address.host;
    server->port = address.has_port ? address.port : server->is_tls ? HTTPS_PORT : HTTP_PORT;
    if (server->port == 0)
        return refuse(node, arena, error, "has port 0, which no server has");
    bool is_fine = address.is_bracketed ? slice_find(address.host, ':') != address.host.length &&
                                              address_normalize(address.host, arena, &server->host)
                                        : server_url_is_host(address.host);
    return is_fine || refuse(node, arena, error, "has a host that is neither a name nor a numeric address");
}

static bool read_http(const struct node *node, struct arena *arena, struct server_settings *server, struct error *error)
{
    struct slice rest = slice_skip(node->text, strlen(server->is_tls ? "https://" : "http://"));
    if (slice_find(rest, '?') != rest.length || slice_find(rest, '#') != rest.length)
        return refuse(node, arena, error, "has a query, but a server is just http://HOST:PORT");
    if (slice_starts_with(rest, SLICE("unix:")))
        return refuse(node, arena, error, "is not how a socket is written: write http+unix:/PATH");
    size_t end = slice_find(rest, '/');
    if (rest.length > end + 1)
        return refuse(node, arena, error,
                      "has a path, but a server is just http://HOST:PORT: take path prefixes off with 'strip'");
    return read_authority(node, slice_of(rest.data, end), arena, server, error);
}

bool server_url_read(const struct node *node, struct arena *arena, struct server_settings *server, struct error *error)
{
    struct slice text = node->text;
    *server = (struct server_settings){.url = text, .weight = 1, .place = node->place};
    if (node->is_null || text.length == 0)
        return error_set_at(error, node->place, "a server's URL is missing here");
    if (slice_starts_with_nocase(text, SLICE("http+unix:")))
        return read_unix(node, arena, server, error);
    server->is_tls = slice_starts_with_nocase(text, SLICE("https://"));
    if (server->is_tls || slice_starts_with_nocase(text, SLICE("http://")))
        return read_http(node, arena, server, error);
    bool has_scheme = memmem(text.data, text.length, "://", 3) != NULL;
    if (has_scheme)
        return refuse(node, arena, error,
                      "cannot be reached: http://HOST[:PORT], https://HOST[:PORT] and http+unix:/PATH are possible");
    const char *prefix = slice_starts_with_nocase(text, SLICE("unix:")) ? "http+" : "http://";
    return error_set_at(error, node->place, "'%s' is not a URL (did you mean '%s%s'?)", wording_quote(arena, text),
                        prefix, wording_quote(arena, text));
}
