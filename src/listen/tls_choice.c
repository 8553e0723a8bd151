#include "listen/tls_choice.h"

struct named {
    struct slice name;
    const struct tls_certificate *certificates[TLS_KINDS];
    struct tls_set *set;
    struct named *next;
};

struct sorting {
    struct tls_choice *choice;
    struct arena *arena;
    struct named *first;
};

static struct named *find_named(const struct tls_choice *choice, struct slice name)
{
    return (struct named *)(uintptr_t)name_index_find(&choice->names, name);
}

static void add_name(struct sorting *sorting, struct slice name, const struct tls_certificate *certificate)
{
    struct named *named = find_named(sorting->choice, name);
    if (named == NULL) {
        named = arena_zalloc(sorting->arena, sizeof(*named));
        *named = (struct named){.name = name, .next = sorting->first};
        sorting->first = named;
        name_index_add(&sorting->choice->names, sorting->arena, name, named);
    }
    if (named->certificates[certificate->kind] == NULL)
        named->certificates[certificate->kind] = certificate;
}

/* For a name with a certificate of one kind the wildcard's may be of another. */
static void borrow_kinds(const struct tls_choice *choice, struct named *named)
{
    char room[TLS_NAME_BYTES];
    struct slice wildcard = tls_name_wildcard(named->name, room);
    const struct named *wide = find_named(choice, wildcard);
    if (wide == NULL || slice_starts_with(named->name, SLICE("*.")))
        return;
    for (size_t kind = 0; kind < TLS_KINDS; ++kind) {
        if (named->certificates[kind] == NULL)
            named->certificates[kind] = wide->certificates[kind];
    }
}

static struct tls_set *get_set(struct sorting *sorting, const struct tls_certificate *const certificates[TLS_KINDS])
{
    struct tls_set **link = &sorting->choice->first;
    size_t size = sizeof((*link)->certificates);
    for (; *link != NULL; link = &(*link)->next) {
        if (memcmp((*link)->certificates, certificates, size) == 0)
            return *link;
    }
    struct tls_set *set = arena_zalloc(sorting->arena, sizeof(*set));
    memcpy(set->certificates, certificates, size);
    *link = set;
    ++sorting->choice->set_count;
    return set;
}

static void choose_default(struct sorting *sorting, const struct tls_certificate *certificate)
{
    const struct tls_certificate *alone[TLS_KINDS] = {NULL};
    alone[certificate->kind] = certificate;
    const struct named *named =
        certificate->name_count == 0 ? NULL : find_named(sorting->choice, certificate->names[0]);
    get_set(sorting, named == NULL ? alone : named->certificates);
}

void tls_choice_init(struct tls_choice *choice, const struct tls_certificate *certificates, size_t count,
                     struct arena *arena)
{
    struct sorting sorting = {.choice = choice, .arena = arena};
    *choice = (struct tls_choice){0};
    for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < certificates[i].name_count; ++j)
            add_name(&sorting, certificates[i].names[j], &certificates[i]);
    }
    for (struct named *named = sorting.first; named != NULL; named = named->next)
        borrow_kinds(choice, named);
    choose_default(&sorting, &certificates[0]);
    for (struct named *named = sorting.first; named != NULL; named = named->next)
        named->set = get_set(&sorting, named->certificates);
}

struct tls_set *tls_choice_find(const struct tls_choice *choice, struct slice name)
{
    char room[TLS_NAME_BYTES];
    const struct named *named = find_named(choice, name);
    if (named == NULL)
        named = find_named(choice, tls_name_wildcard(name, room));
    return named == NULL ? NULL : named->set;
}

bool tls_choice_uses(const struct tls_choice *choice, const struct tls_certificate *certificate)
{
    for (const struct tls_set *set = choice->first; set != NULL; set = set->next) {
        if (set->certificates[certificate->kind] == certificate)
            return true;
    }
    return false;
}
