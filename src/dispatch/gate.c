#include "dispatch/gate.h"

#include "base/alloc.h"
#include "plan/rule.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    USUAL_PORT = 443,
    PORT_BYTES = sizeof(":65535"),
    TOKEN_BYTES = 128, /* RFC 8555 knows no bound; authorities use 43 */
    LOCATION_PARTS = 5,
};

#define CHALLENGE_FOLDER "/.well-known/acme-challenge"

/* A redirect to https, on one port. */
struct way {
    struct plan_route route;
    struct redirect_settings redirect;
    struct redirect_part parts[LOCATION_PARTS];
    char port[PORT_BYTES];
};

struct gate {
    const struct settings *settings;
    uint16_t https_port; /* of a listener; 0: none has TLS */
    struct way own;      /* to that one */
    struct way outside;  /* to where a proxy in front of us speaks https */
    struct files_settings challenges;
    struct plan_route challenge, no_challenge;
};

static void lead_to(struct way *way, uint16_t port)
{
    snprintf(way->port, sizeof(way->port), port == USUAL_PORT ? "" : ":%u", (unsigned)port);
    way->parts[2].text = slice_from_text(way->port);
}

/* 308, since a form that was sent by mistake is to arrive nevertheless, and as what it was. */
static void init_way(struct way *way, const struct plan_route *route, uint16_t port)
{
    static const enum redirect_part_kind kinds[LOCATION_PARTS] = {
        REDIRECT_PART_TEXT, REDIRECT_PART_HOST, REDIRECT_PART_TEXT, REDIRECT_PART_PATH, REDIRECT_PART_QUERY};
    for (size_t i = 0; i < LOCATION_PARTS; ++i)
        way->parts[i].kind = kinds[i];
    way->parts[0].text = SLICE("https://");
    way->redirect = (struct redirect_settings){.status = 308, .parts = way->parts, .part_count = LOCATION_PARTS};
    way->route = *route;
    way->route.name = SLICE("https_only");
    way->route.target = PLAN_REDIRECT;
    way->route.redirect = &way->redirect;
    lead_to(way, port);
}

static void init_challenges(struct gate *gate, const struct plan_route *route)
{
    static const struct respond_settings missing = {.status = 404, .body = {"404 Not Found\n", 14}};
    gate->challenges = (struct files_settings){.root = gate->settings->acme_challenges, .type = SLICE("text/plain")};
    gate->challenge = gate->no_challenge = *route;
    gate->challenge.name = gate->no_challenge.name = SLICE("acme_challenges");
    gate->challenge.target = PLAN_FILES;
    gate->challenge.files = &gate->challenges;
    gate->no_challenge.target = PLAN_RESPOND;
    gate->no_challenge.respond = &missing;
}

struct gate *gate_create(const struct settings *settings)
{
    struct gate *gate = mem_zalloc(sizeof(*gate));
    struct plan_route route = {.body_limit_bytes = settings->body_limit_bytes, .error_pages = &settings->error_pages};
    uint16_t port = settings->https_only.port != 0 ? settings->https_only.port : USUAL_PORT;
    gate->settings = settings;
    init_way(&gate->own, &route, port);
    init_way(&gate->outside, &route, port);
    init_challenges(gate, &route);
    return gate;
}

void gate_destroy(struct gate *gate)
{
    free(gate);
}

void gate_note_https(struct gate *gate, uint16_t port)
{
    if (gate->settings->https_only.port != 0 || (gate->https_port != 0 && port != USUAL_PORT))
        return;
    gate->https_port = port;
    lead_to(&gate->own, port);
}

/* RFC 8555 section 8.3: the characters of base64url. */
static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i], lower = ascii_lower(c);
        if (!(lower >= 'a' && lower <= 'z') && !ascii_is_digit(c) && c != '-' && c != '_')
            return false;
    }
    return text.length != 0 && text.length <= TOKEN_BYTES;
}

static const struct plan_route *find_challenge(const struct gate *gate, struct slice path)
{
    static const struct pattern folder = {PATTERN_SEGMENT, {CHALLENGE_FOLDER, sizeof(CHALLENGE_FOLDER) - 1}, {0}};
    if (gate->settings->acme_challenges == NULL || !pattern_takes(&folder, path))
        return NULL;
    bool is_good = path.length > sizeof(CHALLENGE_FOLDER) && is_token(slice_skip(path, sizeof(CHALLENGE_FOLDER)));
    return is_good ? &gate->challenge : &gate->no_challenge;
}

static const struct plan_route *find_way(const struct gate *gate, const struct exchange *exchange,
                                         const struct listener_settings *listener, bool is_told_scheme)
{
    const struct https_only_settings *https_only = &gate->settings->https_only;
    if (!https_only->is_on || slice_equals(exchange->request.scheme, SLICE("https")))
        return NULL;
    /* whoever comes by a unix socket is no client, but may tell of one */
    if (!listener->is_https_only || (listener->is_unix && !is_told_scheme))
        return NULL;
    if (pattern_list_takes(&https_only->except, exchange->request.path))
        return NULL;
    return is_told_scheme ? &gate->outside.route : &gate->own.route;
}

const struct plan_route *gate_find(const struct gate *gate, const struct exchange *exchange,
                                   const struct listener_settings *listener, bool is_told_scheme)
{
    const struct plan_route *route = find_challenge(gate, exchange->request.path);
    return route != NULL ? route : find_way(gate, exchange, listener, is_told_scheme);
}

void gate_mark(const struct gate *gate, struct exchange *exchange)
{
    struct slice hsts = gate->settings->https_only.hsts, name = SLICE("strict-transport-security");
    struct headers *headers = &exchange->response.headers;
    if (hsts.length != 0 && slice_equals(exchange->request.scheme, SLICE("https")) &&
        headers_find(headers, name) == NULL)
        headers_add(headers, &exchange->arena, name, hsts);
}
