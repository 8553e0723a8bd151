#include "net/resolver.h"

#include "base/alloc.h"
#include "base/log.h"
#include "net/dns.h"

#include <arpa/inet.h>
#include <stdlib.h>

enum {
    MOST_ENTRIES = 256,
    LEAST_TTL_MS = 1000,
    MOST_TTL_MS = 5 * 60 * 1000,
    REFRESH_SHARE = 10, /* of the TTL, the last tenth */
    KEEP_FAILURE_MS = 1000,
    KEEP_OUTDATED_MS = 60 * 60 * 1000,
    PATIENCE_MS = 1800, /* with a lookup while an outdated answer is at hand: RFC 8767 section 5 */
    AVOID_MS = 10 * 1000,
};

struct candidate {
    struct resolver_address address;
    uint64_t avoided_until_ms;
};

/* What is known, or being asked, about one name. */
struct entry {
    struct entry *next;
    struct resolver *resolver;
    char *name;    /* lower case */
    bool is_local; /* its addresses need no asking */
    bool is_pending;
    bool is_failing;          /* the last lookup did */
    uint64_t good_until_ms;   /* what is known serves without asking */
    uint64_t refresh_from_ms; /* and is asked for anew nevertheless */
    uint64_t useful_until_ms; /* the addresses serve where nobody can be asked */
    const char *failure;
    struct candidate candidates[RESOLVER_ADDRESSES];
    size_t count;
    size_t turn;                    /* counts answers: where the next one begins */
    struct resolver_query *queries; /* not answered yet */
};

struct resolver_query {
    struct resolver_query *next, **link; /* in its entry's list */
    struct entry *entry;
    struct timer timer; /* runs once the answer is known, or when an outdated one must do */
    uint16_t port;
    void (*on_resolved)(void *data, const struct resolver_address *addresses, size_t count, const char *failure);
    void *data;
};

struct resolver {
    struct loop *loop;
    struct dns *dns;
    struct entry *entries;
    size_t entry_count;
};

struct resolver *resolver_create(struct loop *loop, const struct resolver_settings *settings)
{
    struct resolver *resolver = mem_zalloc(sizeof(*resolver));
    resolver->loop = loop;
    resolver->dns = dns_create(loop, settings);
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

bool resolver_address_equals(const struct resolver_address *a, const struct resolver_address *b)
{
    if (a->storage.ss_family != b->storage.ss_family)
        return false;
    if (a->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6_a = (const struct sockaddr_in6 *)&a->storage;
        const struct sockaddr_in6 *v6_b = (const struct sockaddr_in6 *)&b->storage;
        return memcmp(&v6_a->sin6_addr, &v6_b->sin6_addr, sizeof(v6_a->sin6_addr)) == 0 &&
               v6_a->sin6_scope_id == v6_b->sin6_scope_id;
    }
    const struct sockaddr_in *v4_a = (const struct sockaddr_in *)&a->storage;
    const struct sockaddr_in *v4_b = (const struct sockaddr_in *)&b->storage;
    return v4_a->sin_addr.s_addr == v4_b->sin_addr.s_addr;
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

/* Adds the candidates from the entry's turn on that are avoided, or those that are not. */
static size_t add_in_turn(const struct entry *entry, bool is_avoided, struct resolver_address *addresses, size_t count)
{
    uint64_t now_ms = loop_now_ms(entry->resolver->loop);
    for (size_t i = 0; i < entry->count; ++i) {
        const struct candidate *candidate = &entry->candidates[(entry->turn + i) % entry->count];
        if ((candidate->avoided_until_ms > now_ms) == is_avoided)
            addresses[count++] = candidate->address;
    }
    return count;
}

static void on_answer_known(struct timer *timer)
{
    struct resolver_query answered = *(struct resolver_query *)timer->data;
    struct entry *entry = answered.entry;
    struct resolver_address addresses[RESOLVER_ADDRESSES];
    size_t count = add_in_turn(entry, true, addresses, add_in_turn(entry, false, addresses, 0));
    for (size_t i = 0; i < count; ++i)
        set_port(&addresses[i], answered.port);
    /* the addresses of localhost are one machine, where another service may listen on the second one */
    entry->turn += entry->is_local ? 0 : 1;
    free_query(timer->data);
    answered.on_resolved(answered.data, addresses, count, count != 0 ? NULL : entry->failure);
}

static const struct candidate *find_candidate(const struct entry *entry, const struct resolver_address *address)
{
    for (size_t i = 0; i < entry->count; ++i) {
        if (resolver_address_equals(&entry->candidates[i].address, address))
            return &entry->candidates[i];
    }
    return NULL;
}

static void take_addresses(struct entry *entry, const struct dns_answer *answer)
{
    struct candidate candidates[RESOLVER_ADDRESSES] = {0};
    for (size_t i = 0; i < answer->count; ++i) {
        const struct candidate *known = find_candidate(entry, &answer->addresses[i]);
        candidates[i].address = answer->addresses[i];
        candidates[i].avoided_until_ms = known == NULL ? 0 : known->avoided_until_ms;
    }
    memcpy(entry->candidates, candidates, sizeof(candidates));
    entry->count = answer->count;
}

static void note_success(struct entry *entry, const struct dns_answer *answer)
{
    uint64_t now_ms = loop_now_ms(entry->resolver->loop), ttl_ms = MOST_TTL_MS;
    if (answer->ttl_s < MOST_TTL_MS / 1000)
        ttl_ms = answer->ttl_s < LEAST_TTL_MS / 1000 ? LEAST_TTL_MS : (uint64_t)answer->ttl_s * 1000;
    if (entry->is_failing)
        log_line(LOG_LEVEL_INFO, "the name '%s' is resolved again", entry->name);
    entry->is_failing = false;
    take_addresses(entry, answer);
    entry->good_until_ms = now_ms + ttl_ms;
    entry->refresh_from_ms = entry->good_until_ms - ttl_ms / REFRESH_SHARE;
    entry->useful_until_ms = entry->good_until_ms + KEEP_OUTDATED_MS;
}

static void note_failure(struct entry *entry, const struct dns_answer *answer)
{
    uint64_t now_ms = loop_now_ms(entry->resolver->loop);
    if (answer->is_final || now_ms >= entry->useful_until_ms)
        entry->count = 0;
    if (!entry->is_failing && entry->count != 0)
        log_line(LOG_LEVEL_WARNING, "the name '%s' is not resolved anew: %s; its last addresses serve for an hour",
                 entry->name, answer->failure);
    else if (!entry->is_failing)
        log_line(LOG_LEVEL_WARNING, "the name '%s' is not resolved: %s", entry->name, answer->failure);
    entry->is_failing = true;
    entry->failure = answer->failure;
    entry->good_until_ms = entry->refresh_from_ms = now_ms + KEEP_FAILURE_MS;
}

static void on_answer(void *data, const struct dns_answer *answer)
{
    struct entry *entry = data;
    entry->is_pending = false;
    if (answer->count != 0)
        note_success(entry, answer);
    else
        note_failure(entry, answer);
    for (struct resolver_query *query = entry->queries; query != NULL; query = query->next)
        timer_start(entry->resolver->loop, &query->timer, 0);
}

static void start_lookup(struct entry *entry)
{
    if (entry->is_pending)
        return;
    entry->is_pending = true;
    dns_lookup(entry->resolver->dns, entry->name, on_answer, entry);
}

static void free_entry(struct entry *entry)
{
    free(entry->name);
    free(entry);
}

/* Forgets the entry that is the first to expire of those that nobody waits for. */
static void make_room(struct resolver *resolver)
{
    struct entry **oldest = NULL;
    for (struct entry **link = &resolver->entries; *link != NULL; link = &(*link)->next) {
        bool is_idle = !(*link)->is_pending && (*link)->queries == NULL;
        if (is_idle && (oldest == NULL || (*link)->good_until_ms < (*oldest)->good_until_ms))
            oldest = link;
    }
    if (oldest == NULL)
        return;
    struct entry *forgotten = *oldest;
    *oldest = forgotten->next;
    --resolver->entry_count;
    free_entry(forgotten);
}

/* RFC 6761 section 6.3, whatever /etc/hosts and name servers say. */
static void set_local(struct entry *entry)
{
    struct slice name = slice_from_text(entry->name);
    if (slice_ends_with(name, SLICE(".")))
        --name.length;
    entry->is_local = slice_equals(name, SLICE("localhost")) || slice_ends_with(name, SLICE(".localhost"));
    if (!entry->is_local)
        return;
    resolver_parse(SLICE("127.0.0.1"), 0, &entry->candidates[0].address);
    resolver_parse(SLICE("::1"), 0, &entry->candidates[1].address);
    entry->count = 2;
    entry->good_until_ms = entry->refresh_from_ms = UINT64_MAX;
}

static struct entry *find_entry(const struct resolver *resolver, struct slice host)
{
    for (struct entry *entry = resolver->entries; entry != NULL; entry = entry->next) {
        if (slice_equals_nocase(slice_from_text(entry->name), host))
            return entry;
    }
    return NULL;
}

static struct entry *get_entry(struct resolver *resolver, struct slice host)
{
    struct entry *entry = find_entry(resolver, host);
    if (entry != NULL)
        return entry;
    if (resolver->entry_count >= MOST_ENTRIES)
        make_room(resolver);
    entry = mem_zalloc(sizeof(*entry));
    entry->resolver = resolver;
    entry->name = mem_copy_text(host.data, host.length);
    for (char *c = entry->name; *c != '\0'; ++c)
        *c = ascii_lower(*c);
    set_local(entry);
    entry->next = resolver->entries;
    resolver->entries = entry;
    ++resolver->entry_count;
    return entry;
}

/* Has the query answered at once where something good is known, or after a while where something outdated is; else the
 * end of the lookup answers it. */
static void set_answer_time(struct resolver_query *query)
{
    const struct entry *entry = query->entry;
    struct loop *loop = entry->resolver->loop;
    uint64_t now_ms = loop_now_ms(loop);
    if (now_ms < entry->good_until_ms)
        timer_start(loop, &query->timer, 0);
    else if (entry->count != 0 && now_ms < entry->useful_until_ms)
        timer_start(loop, &query->timer, entry->is_failing ? 0 : PATIENCE_MS);
}

void resolver_prepare(struct resolver *resolver, struct slice host)
{
    struct entry *entry = get_entry(resolver, host);
    if (loop_now_ms(resolver->loop) >= entry->refresh_from_ms)
        start_lookup(entry);
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
    set_answer_time(query);
    if (loop_now_ms(resolver->loop) >= entry->refresh_from_ms)
        start_lookup(entry);
    return query;
}

void resolver_cancel(struct resolver_query *query)
{
    free_query(query);
}

void resolver_avoid(struct resolver *resolver, struct slice host, const struct resolver_address *address)
{
    struct entry *entry = find_entry(resolver, host);
    for (size_t i = 0; entry != NULL && i < entry->count; ++i) {
        if (resolver_address_equals(&entry->candidates[i].address, address))
            entry->candidates[i].avoided_until_ms = loop_now_ms(resolver->loop) + AVOID_MS;
    }
}

void resolver_destroy(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    dns_destroy(resolver->dns);
    for (struct entry *entry = resolver->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        while (entry->queries != NULL)
            free_query(entry->queries);
        free_entry(entry);
    }
    free(resolver);
}
