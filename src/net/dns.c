#include "net/dns.h"

#include "base/alloc.h"
#include "base/log.h"

#include <ares.h>
#include <netdb.h>
#include <stdlib.h>

enum {
    TRIES = 2, /* of each server, the second one with twice the time */
};

/* A socket of c-ares's. */
struct dns_socket {
    struct dns_socket *next;
    struct dns *dns;
    ares_socket_t fd;
    struct loop_watch *watch;
};

struct dns {
    struct loop *loop;
    ares_channel channel;
    bool is_open; /* the channel is */
    bool is_closing;
    struct dns_socket *sockets;
    struct timer timer; /* c-ares's next one */
};

struct lookup {
    struct dns *dns;
    void (*on_answer)(void *data, const struct dns_answer *answer);
    void *data;
};

static void set_timer(struct dns *dns)
{
    struct timeval left;
    if (ares_timeout(dns->channel, NULL, &left) == NULL) {
        timer_stop(dns->loop, &dns->timer);
        return;
    }
    timer_start(dns->loop, &dns->timer, (int64_t)left.tv_sec * 1000 + left.tv_usec / 1000 + 1);
}

static void process(struct dns *dns, ares_socket_t readable, ares_socket_t writable)
{
    ares_process_fd(dns->channel, readable, writable);
    set_timer(dns);
}

static void on_timeout(struct timer *timer)
{
    process(timer->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_readable(void *data)
{
    struct dns_socket *opened = data;
    process(opened->dns, opened->fd, ARES_SOCKET_BAD);
}

static void on_writable(void *data)
{
    struct dns_socket *opened = data;
    process(opened->dns, ARES_SOCKET_BAD, opened->fd);
}

static void forget_socket(struct dns_socket **link)
{
    struct dns_socket *closed = *link;
    *link = closed->next;
    loop_watch_close(closed->watch);
    free(closed);
}

static struct dns_socket *add_socket(struct dns *dns, ares_socket_t fd)
{
    struct dns_socket *opened = mem_alloc(sizeof(*opened));
    *opened = (struct dns_socket){.next = dns->sockets, .dns = dns, .fd = fd};
    /* without a watch for want of descriptors the question times out */
    opened->watch = loop_watch_readable(dns->loop, fd, on_readable, opened);
    dns->sockets = opened;
    return opened;
}

/* c-ares reads from every socket that it has open. */
static void on_socket_state(void *data, ares_socket_t fd, int is_readable, int is_writable)
{
    struct dns *dns = data;
    struct dns_socket **link = &dns->sockets;
    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    if (!is_readable && !is_writable) {
        if (*link != NULL)
            forget_socket(link);
        return;
    }
    struct dns_socket *opened = *link != NULL ? *link : add_socket(dns, fd);
    if (opened->watch != NULL)
        loop_watch_writable(opened->watch, is_writable ? on_writable : NULL);
}

static bool open_channel(struct dns *dns, const struct resolver_settings *settings)
{
    struct ares_options options = {
        .timeout = settings->timeout_ms < INT32_MAX ? (int)settings->timeout_ms : INT32_MAX,
        .tries = TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = dns,
    };
    int status =
        ares_init_options(&dns->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    dns->is_open = status == ARES_SUCCESS;
    if (dns->is_open && settings->servers.length != 0) {
        char *servers = mem_copy_text(settings->servers.data, settings->servers.length);
        status = ares_set_servers_ports_csv(dns->channel, servers);
        free(servers);
    }
    if (status != ARES_SUCCESS)
        log_line(LOG_LEVEL_ERROR, "the resolver does not work: %s", ares_strerror(status));
    return status == ARES_SUCCESS;
}

struct dns *dns_create(struct loop *loop, const struct resolver_settings *settings)
{
    struct dns *dns = mem_zalloc(sizeof(*dns));
    dns->loop = loop;
    dns->timer = (struct timer){.on_timeout = on_timeout, .data = dns};
    if (!open_channel(dns, settings) && dns->is_open) {
        ares_destroy(dns->channel);
        dns->is_open = false;
    }
    return dns;
}

void dns_destroy(struct dns *dns)
{
    if (dns == NULL)
        return;
    dns->is_closing = true;
    if (dns->is_open)
        ares_destroy(dns->channel);
    while (dns->sockets != NULL)
        forget_socket(&dns->sockets);
    timer_stop(dns->loop, &dns->timer);
    free(dns);
}

static bool is_known(const struct dns_answer *answer, const struct resolver_address *address)
{
    for (size_t i = 0; i < answer->count; ++i) {
        if (resolver_address_equals(&answer->addresses[i], address))
            return true;
    }
    return false;
}

static void note_ttl(struct dns_answer *answer, int ttl_s)
{
    if (answer->ttl_s > ttl_s)
        answer->ttl_s = ttl_s > 0 ? ttl_s : 0;
}

static void take_addresses(struct dns_answer *answer, const struct ares_addrinfo *info)
{
    answer->ttl_s = INT64_MAX;
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next) {
        struct resolver_address address = {.length = node->ai_addrlen};
        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6) || answer->count == RESOLVER_ADDRESSES)
            continue;
        memcpy(&address.storage, node->ai_addr, node->ai_addrlen);
        note_ttl(answer, node->ai_ttl);
        if (!is_known(answer, &address))
            answer->addresses[answer->count++] = address;
    }
    for (const struct ares_addrinfo_cname *alias = info->cnames; alias != NULL; alias = alias->next)
        note_ttl(answer, alias->ttl);
}

static const char *describe_failure(int status)
{
    switch (status) {
    case ARES_SUCCESS:
    case ARES_ENODATA:
        return "it has no address";
    case ARES_ENOTFOUND:
        return "no such name";
    case ARES_EBADNAME:
        return "it cannot be a name";
    case ARES_ETIMEOUT:
        return "no name server answered in time";
    case ARES_ECONNREFUSED: /* c-ares's word for servers that fail or refuse, too */
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
        return "no name server could answer";
    case ARES_EBADRESP:
        return "the name server's answer is broken";
    default:
        return ares_strerror(status);
    }
}

static void on_lookup_end(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
    struct lookup lookup = *(struct lookup *)data;
    free(data);
    struct dns_answer answer = {0};
    if (info != NULL) {
        take_addresses(&answer, info);
        ares_freeaddrinfo(info);
    }
    if (lookup.dns->is_closing)
        return;
    if (answer.count == 0) {
        answer.failure = describe_failure(status);
        /* ARES_ENODATA is not: it may come of one question answered "none of these" and the other one failing */
        answer.is_final = status == ARES_ENOTFOUND || status == ARES_EBADNAME;
    }
    lookup.on_answer(lookup.data, &answer);
}

void dns_lookup(struct dns *dns, const char *name, void (*on_answer)(void *data, const struct dns_answer *answer),
                void *data)
{
    if (!dns->is_open) {
        on_answer(data, &(struct dns_answer){.failure = "the resolver does not work"});
        return;
    }
    struct lookup *lookup = mem_alloc(sizeof(*lookup));
    *lookup = (struct lookup){.dns = dns, .on_answer = on_answer, .data = data};
    struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    ares_getaddrinfo(dns->channel, name, NULL, &hints, on_lookup_end, lookup);
    set_timer(dns);
}
