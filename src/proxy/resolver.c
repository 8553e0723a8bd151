#include "proxy/resolver.h"

#include "base/alloc.h"

#include <h2o/hostinfo.h>
#include <h2o/multithread.h>

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    LOOKUP_THREADS = 4,
    MOST_ENTRIES = 64,
    KEEP_ANSWER_MS = 10000,
    KEEP_FAILURE_MS = 1000,
};

/* What is known, or being asked, about one name. */
struct entry {
    struct entry *next;
    struct resolver *resolver;
    char *name;
    bool is_pending;
    uint64_t expires_ms;
    const char *failure;
    struct resolver_address addresses[RESOLVER_ADDRESSES];
    size_t count;
    struct resolver_query *queries; /* not answered yet */
};

struct resolver_query {
    struct resolver_query *next, **link; /* in its entry's list */
    struct entry *entry;
    struct timer timer; /* runs once the answer is known */
    uint16_t port;
    void (*on_resolved)(void *data, const struct resolver_address *addresses, size_t count, const char *failure);
    void *data;
};

struct resolver {
    struct loop *loop;
    h2o_multithread_queue_t *queue;
    h2o_multithread_receiver_t receiver;
    struct entry *entries;
    size_t entry_count;
    size_t pending_count;
    bool is_closing;
    struct timer close_timer;
};

struct resolver *resolver_create(struct loop *loop)
{
    struct resolver *resolver = mem_zalloc(sizeof(*resolver));
    resolver->loop = loop;
    h2o_hostinfo_max_threads = LOOKUP_THREADS;
    resolver->queue = h2o_multithread_create_queue(loop_h2o(loop));
    h2o_multithread_register_receiver(resolver->queue, &resolver->receiver, h2o_hostinfo_getaddr_receiver);
    return resolver;
}

bool resolver_parse(struct slice host, uint16_t port, struct resolver_address *address)
{
    char text[INET6_ADDRSTRLEN];
    if (host.length == 0 || host.length >= sizeof(text) || memchr(host.data, '\0', host.length) != NULL)
        return false;
    memcpy(text, host.data, host.length);
    text[host.length] = '\0';
    *address = (struct resolver_address){0};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address->length = sizeof(*v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address->length = sizeof(*v6);
        return true;
    }
    return false;
}

static void set_port(struct resolver_address *address, uint16_t port)
{
    if (address->storage.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
}

static void free_query(struct resolver_query *query)
{
    timer_stop(query->entry->resolver->loop, &query->timer);
    *query->link = query->next;
    if (query->next != NULL)
        query->next->link = query->link;
    free(query);
}

static void on_answer_known(struct timer *timer)
{
    struct resolver_query answered = *(struct resolver_query *)timer->data;
    struct resolver_address addresses[RESOLVER_ADDRESSES];
    size_t count = answered.entry->count;
    for (size_t i = 0; i < count; ++i) {
        addresses[i] = answered.entry->addresses[i];
        set_port(&addresses[i], answered.port);
    }
    const char *failure = answered.entry->failure;
    free_query(timer->data);
    answered.on_resolved(answered.data, addresses, count, failure);
}

static bool is_known(const struct entry *entry, const struct resolver_address *address)
{
    for (size_t i = 0; i < entry->count; ++i) {
        if (entry->addresses[i].length == address->length &&
            memcmp(&entry->addresses[i].storage, &address->storage, address->length) == 0)
            return true;
    }
    return false;
}

static void copy_addresses(struct entry *entry, const struct addrinfo *info)
{
    entry->count = 0;
    for (; info != NULL && entry->count < RESOLVER_ADDRESSES; info = info->ai_next) {
        if (info->ai_family != AF_INET && info->ai_family != AF_INET6)
            continue;
        struct resolver_address address = {.length = info->ai_addrlen};
        memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
        if (!is_known(entry, &address))
            entry->addresses[entry->count++] = address;
    }
}

static void free_resolver(struct resolver *resolver)
{
    for (struct entry *entry = resolver->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        free(entry->name);
        free(entry);
    }
    h2o_multithread_unregister_receiver(resolver->queue, &resolver->receiver);
    h2o_multithread_destroy_queue(resolver->queue);
    /* libh2o forgets it when it is not built on libuv */
    free(resolver->queue);
    free(resolver);
}

static void on_lookups_ended(struct timer *timer)
{
    free_resolver(timer->data);
}

static void on_lookup_end(h2o_hostinfo_getaddr_req_t *request, const char *failure, struct addrinfo *info, void *data)
{
    struct entry *entry = data;
    struct resolver *resolver = entry->resolver;
    loop_note_wakeup(resolver->loop);
    copy_addresses(entry, info);
    entry->failure = entry->count != 0 ? NULL : failure != NULL ? failure : "no addresses";
    entry->is_pending = false;
    entry->expires_ms = loop_now_ms(resolver->loop) + (entry->count != 0 ? KEEP_ANSWER_MS : KEEP_FAILURE_MS);
    for (struct resolver_query *query = entry->queries; query != NULL; query = query->next)
        timer_start(resolver->loop, &query->timer, 0);
    /* libh2o still holds the queue */
    if (--resolver->pending_count == 0 && resolver->is_closing)
        timer_start(resolver->loop, &resolver->close_timer, 0);
}

static void start_lookup(struct entry *entry)
{
    struct resolver *resolver = entry->resolver;
    entry->is_pending = true;
    ++resolver->pending_count;
    h2o_hostinfo_getaddr(&resolver->receiver, h2o_iovec_init(entry->name, strlen(entry->name)), h2o_iovec_init("0", 1),
                         AF_UNSPEC, SOCK_STREAM, IPPROTO_TCP, AI_NUMERICSERV, on_lookup_end, entry);
}

/* Forgets the entry that is the first to expire of those that nobody waits for. */
static void make_room(struct resolver *resolver)
{
    struct entry **oldest = NULL;
    for (struct entry **link = &resolver->entries; *link != NULL; link = &(*link)->next) {
        bool is_idle = !(*link)->is_pending && (*link)->queries == NULL;
        if (is_idle && (oldest == NULL || (*link)->expires_ms < (*oldest)->expires_ms))
            oldest = link;
    }
    if (oldest == NULL)
        return;
    struct entry *forgotten = *oldest;
    *oldest = forgotten->next;
    --resolver->entry_count;
    free(forgotten->name);
    free(forgotten);
}

static struct entry *get_entry(struct resolver *resolver, struct slice host)
{
    for (struct entry *entry = resolver->entries; entry != NULL; entry = entry->next) {
        if (slice_equals_nocase(slice_from_text(entry->name), host))
            return entry;
    }
    if (resolver->entry_count >= MOST_ENTRIES)
        make_room(resolver);
    struct entry *entry = mem_zalloc(sizeof(*entry));
    entry->resolver = resolver;
    entry->name = mem_copy_text(host.data, host.length);
    entry->next = resolver->entries;
    resolver->entries = entry;
    ++resolver->entry_count;
    return entry;
}

struct resolver_query *resolver_start(struct resolver *resolver, struct slice host, uint16_t port,
                                      void (*on_resolved)(void *data, const struct resolver_address *addresses,
                                                          size_t count, const char *failure),
                                      void *data)
{
    struct entry *entry = get_entry(resolver, host);
    struct resolver_query *query = mem_alloc(sizeof(*query));
    *query = (struct resolver_query){
        .next = entry->queries,
        .link = &entry->queries,
        .entry = entry,
        .timer = {.on_timeout = on_answer_known, .data = query},
        .port = port,
        .on_resolved = on_resolved,
        .data = data,
    };
    if (query->next != NULL)
        query->next->link = &query->next;
    entry->queries = query;
    if (!entry->is_pending && entry->expires_ms > loop_now_ms(resolver->loop))
        timer_start(resolver->loop, &query->timer, 0);
    else if (!entry->is_pending)
        start_lookup(entry);
    return query;
}

void resolver_cancel(struct resolver_query *query)
{
    free_query(query);
}

void resolver_destroy(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    for (struct entry *entry = resolver->entries; entry != NULL; entry = entry->next) {
        while (entry->queries != NULL)
            free_query(entry->queries);
    }
    if (resolver->pending_count == 0) {
        free_resolver(resolver);
        return;
    }
    resolver->is_closing = true;
    resolver->close_timer = (struct timer){.on_timeout = on_lookups_ended, .data = resolver};
}
