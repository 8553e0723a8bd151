#include "order.h"

#include "coded.h"

static size_t roll_body_length(struct order *order)
{
    return order->has_body ? roll_length(&order->dice) : 0;
}

struct order order_of(uint64_t seed, uint64_t number, const char *const *routes, size_t route_count)
{
    static const char *const methods[] = {"GET", "GET", "GET", "HEAD", "POST", "POST", "POST", "PUT", "DELETE"};
    struct order order = {.number = number, .dice = dice_for(seed, number, WHO_CLIENT)};
    order.method = methods[roll(&order.dice, sizeof(methods) / sizeof(methods[0]))];
    const char *route = routes[roll(&order.dice, (unsigned)route_count)];
    const char *query = roll(&order.dice, 3) == 0 ? "?a=b" : "";
    snprintf(order.path, sizeof(order.path), "/%s/some%%20path%s", route, query);
    order.upgrades = strcmp(route, "tunnel") == 0;
    if (order.upgrades)
        order.method = "GET";
    order.has_body = order.method[0] == 'P' || (roll(&order.dice, 12) == 0 && !order.upgrades);
    order.body_length = roll_body_length(&order);
    order.is_coded = order.has_body && roll(&order.dice, 6) == 0;
    order.takes_gzip = roll(&order.dice, 3) == 0;
    return order;
}

struct bytes order_body(const struct order *order)
{
    struct bytes plain = {0};
    bytes_fill(&plain, letter_of(order->number), order->body_length);
    return order->is_coded ? coded_of(plain) : plain;
}

/* FlexiLib answers by itself, before any filter, where a request breaks a limit; and past all of them where one that
 * blocks is not through in time. */
static bool may_lack_stamp(int status)
{
    return status == 413 || status == 408 || status == 400 || status == 504;
}

const char *order_judge(const struct order *order, const struct claims *claims, char *letter)
{
    bool is_known = (claims->answer != 0 || claims->reply != 0) && !claims->is_coded;
    *letter = is_known ? letter_of(order->number) : 0;
    if (claims->stamp != order->number && !(claims->stamp == 0 && may_lack_stamp(claims->status)))
        return "the response is another request's, by its stamp";
    if (claims->answer != 0 && claims->answer != order->number)
        return "the response is another request's, by what the backend says";
    if (claims->reply != 0 && claims->reply != order->number)
        return "the response is another request's, by what a filter says";
    if ((claims->status < 200 || claims->status > 599) && !(claims->status == 101 && order->upgrades))
        return "the status is none";
    return NULL;
}
